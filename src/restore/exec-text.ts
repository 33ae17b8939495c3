import { Writable, type Readable } from 'node:stream';
import type { ExecTarget, Kubernetes } from '../world.ts';

export interface ExecText {
  readonly exitCode: number;
  /** The first MiB of it. */
  readonly stdout: string;
  readonly stderr: string;
}

const most = 2 ** 20;

/** Runs a command whose output is short. */
export const execText = async (
  kubernetes: Kubernetes,
  target: ExecTarget,
  command: readonly string[],
  options: { readonly stdin?: Readable; readonly signal?: AbortSignal } = {},
): Promise<ExecText> => {
  const chunks: Buffer[] = [];
  let length = 0;
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (length < most) chunks.push(chunk);
      length += chunk.length;
      done();
    },
  });
  const { exitCode, stderr } = await kubernetes.exec(target, command, { ...options, stdout });
  return { exitCode, stderr: stderr.trim(), stdout: Buffer.concat(chunks).toString('utf8') };
};
