import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { KubernetesServer } from '../../servers/kubernetes/kubernetes.ts';
import { createMlmdData } from '../mlmd-data.ts';
import { mlmdPod } from './mlmd-pod.ts';
import type { Settings } from './settings.ts';

/** ML Metadata: its database, a process that writes to it all the time, and its pod. */
export interface Mlmd extends AsyncDisposable {
  readonly file: string;
  /** Nobody writes any longer, for a test that spoils the file. */
  stopWriting(): Promise<void>;
}

export const startMlmd = async (
  directory: string,
  { small }: Settings,
  kubernetes: KubernetesServer,
): Promise<Mlmd> => {
  const volume = join(directory, 'mlmd-data');
  const file = join(volume, 'mlmd.db');
  mkdirSync(volume, { recursive: true });
  createMlmdData(file, small ? { runs: 20 } : {});
  kubernetes.setPod('mlmd-0', mlmdPod(join(directory, 'mlmd-0'), volume));

  // It ends with its stdin, and so with us, even when we are killed.
  const program = join(import.meta.dirname, '../mlmd-writer.ts');
  const writer = spawn(process.execPath, [program, file], { stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = once(writer, 'exit');
  const stopWriting = async (): Promise<void> => {
    writer.stdin.end();
    await ended;
  };
  return { file, stopWriting, [Symbol.asyncDispose]: stopWriting };
};
