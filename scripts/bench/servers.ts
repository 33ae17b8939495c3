import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../tests/servers/network/free-port.ts';
import { radosGwPackages, radosGwVersion, startRadosGw } from '../../tests/servers/s3/radosgw.ts';

/** A server that is measured against. */
export interface BenchServer extends AsyncDisposable {
  readonly url: string;
  /** Requests since the last time, by operation; undefined where the server does not count. */
  requests(): Promise<Readonly<Record<string, number>> | undefined>;
  /** Forgets everything that it stores. */
  reset(): Promise<void>;
}

export type ServerKind = 'box' | 'radosgw';

/**
 * `side` decides which server the box has: MinIO of 2021 as a source, a current one as a target.
 */
export const startServer = (
  kind: ServerKind,
  side: 'source' | 'target',
  scratch: string,
): Promise<BenchServer> => (kind === 'box' ? startBox(side, scratch) : startGateway(side, scratch));

/** A program of this folder that tells its address when it is ready. */
export const startHelper = async (
  script: string,
  ...parameters: readonly string[]
): Promise<BenchServer> => {
  const { child, url } = await started(script, parameters);
  return {
    url,
    requests: () => countsOf(child),
    reset: async () => undefined,
    [Symbol.asyncDispose]: () => stopped(child),
  };
};

const startBox = async (side: string, scratch: string): Promise<BenchServer> => {
  const directory = join(scratch, side);
  // The same after each reset, because a proxy may stand before it.
  const port = String(await freePort());
  const begin = async (): Promise<{ child: ChildProcess; url: string }> => {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    return started('box.ts', [side === 'source' ? 'minio-2021' : 'target', directory, port]);
  };
  let now = await begin();
  return {
    url: now.url,
    requests: () => countsOf(now.child),
    reset: async () => {
      await stopped(now.child);
      now = await begin();
    },
    [Symbol.asyncDispose]: async () => {
      await stopped(now.child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

const startGateway = async (side: string, scratch: string): Promise<BenchServer> => {
  if (radosGwVersion() === undefined) aptInstall(...radosGwPackages);
  const gateway = await startRadosGw(join(scratch, side));
  let before = 0;
  return {
    url: gateway.url,
    requests: async () => {
      const now = gateway.requests();
      const since = now - before;
      before = now;
      return { all: since };
    },
    reset: async () => {
      gateway.reset();
      before = 0;
    },
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
};

export const aptInstall = (...packages: readonly string[]): void => {
  console.error(`installing ${packages.join(', ')}`);
  execFileSync('apt-get', ['install', '-y', '--no-install-recommends', ...packages], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
};

const started = async (
  script: string,
  parameters: readonly string[],
): Promise<{ child: ChildProcess; url: string }> => {
  const child = fork(join(import.meta.dirname, script), [...parameters]);
  const [message] = (await once(child, 'message')) as [{ url: string }];
  return { child, url: message.url };
};

const stopped = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.disconnect();
  await gone;
};

const countsOf = async (child: ChildProcess): Promise<Readonly<Record<string, number>>> => {
  const answer = once(child, 'message') as Promise<[{ counts: Record<string, number> }]>;
  child.send('count');
  return (await answer)[0].counts;
};
