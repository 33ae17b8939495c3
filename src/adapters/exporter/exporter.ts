import { spawn } from 'node:child_process';
import { createConnection } from 'node:net';
import { CharmError } from '../../errors.ts';
import type { Clock, Exporter } from '../../world.ts';

/*
 * This folder serves metrics in a process of its own, and starts and stops that process.
 */

interface ExporterOptions {
  /** Node, and the script that serves. */
  readonly node: string;
  readonly script: string;
  readonly unit: string;
  /** Of the charm; another one is replaced. */
  readonly revision: string;
  readonly port: number;
  /** The file of the facts; undefined while the storage is not attached. */
  readonly file: () => Promise<string | undefined>;
  /** For the process; nothing else of ours gets into its environment. */
  readonly path: string;
  readonly clock: Clock;
  /** Milliseconds until one that was started has to answer. */
  readonly patience?: number;
}

const pause = 20;

/**
 * The exporter as a process of its own session, without an inherited pipe (Juju would wait for it)
 * and without a secret. It outlives the hook, and dies with the container; the next hook starts it
 * again.
 */
export const openExporter = (options: ExporterOptions): Exporter => {
  const { unit, clock, patience = 2000 } = options;
  const control = `ckf-backup/${unit}`;

  const stop = async (): Promise<void> => {
    const deadline = clock.now().getTime() + patience;
    while ((await ask(control, 'stop')) !== undefined && clock.now().getTime() < deadline)
      await clock.sleep(pause);
  };

  return {
    stop,
    ensure: async () => {
      const file = await options.file();
      if (file === undefined) return undefined;
      const revision = `${options.revision} ${file}`;
      const running = await ask(control, 'status');
      if (running === revision) return undefined;
      if (running !== undefined) await stop();
      start(options, { control, revision, file });
      const deadline = clock.now().getTime() + patience;
      while ((await ask(control, 'status')) !== revision) {
        if (clock.now().getTime() > deadline) return silent(options.port);
        await clock.sleep(pause);
      }
      return undefined;
    },
  };
};

const start = (
  { node, script, path, port }: ExporterOptions,
  { control, revision, file }: { control: string; revision: string; file: string },
): void => {
  const argv = ['--max-old-space-size=32', script, control, revision, String(port), file];
  const child = spawn(node, argv, { detached: true, stdio: 'ignore', env: { PATH: path } });
  // What went wrong is seen by its silence.
  child.on('error', () => undefined);
  child.unref();
};

/** The answer to one word; undefined when nobody listens, or says nothing. */
const ask = (control: string, word: 'status' | 'stop'): Promise<string | undefined> =>
  new Promise((resolve) => {
    let answer = '';
    const socket = createConnection({ path: `\0${control}` });
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', (bytes) => (answer += bytes.toString('utf8')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(answer.trim() || undefined);
    });
    socket.end(`${word}\n`);
  });

const silent = (port: number): CharmError =>
  new CharmError(
    'exporter-silent',
    `The process that serves metrics on port ${port} does not answer. Backups do not depend on it, and the next hook starts it again. If it stays away, another process of the pod may have the port.`,
    { brief: { what: 'Metrics are not served', run: 'juju debug-log' } },
  );
