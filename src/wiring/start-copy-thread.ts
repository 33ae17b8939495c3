import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { S3Access } from '../adapters/s3/options.ts';
import type { CopyThread } from '../world.ts';
import { locateTarget, sourceAccess, targetAccess } from './stores.ts';
import type { Wiring } from './wiring.ts';

/** What copy-thread.ts is given. Only plain data can be. */
export interface CopyThreadData {
  readonly target: PlainAccess;
  readonly sources: readonly PlainAccess[];
}

export type PlainAccess = Omit<S3Access, 'proxy'> & { readonly proxyUrl: string | undefined };

/** MiB. The heap has little more than the objects under way, and half of it is enough for them. */
const heap = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 24 };

/**
 * Starts a thread, and not a process: it has the keys without their leaving this process, and it
 * cannot outlive it, however that ends.
 */
export const startCopyThread = async (
  wiring: Wiring,
  buckets: readonly string[],
): Promise<CopyThread> => {
  const { location } = await locateTarget(wiring);
  const sources = [];
  for (const bucket of buckets) sources.push((await sourceAccess(wiring, bucket)).access);
  return threadBetween(sources, await targetAccess(wiring, location));
};

/** Starts it with what it needs. */
export const threadBetween = (sources: readonly S3Access[], target: S3Access): CopyThread => {
  const workerData: CopyThreadData = { target: plain(target), sources: sources.map(plain) };
  // In the bundle both are .js, in the sources both are .ts.
  const script = new URL(`./copy-thread${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(script, { workerData, resourceLimits: heap });
  // What it had begun is done by another thread, which then meets the cause too if there is one.
  worker.on('error', () => undefined);
  return {
    post: (message) => {
      worker.postMessage(message);
    },
    onMessage: (handler) => void worker.on('message', handler),
    onEnd: (handler) => void worker.once('exit', handler),
    end: async () => {
      await worker.terminate();
    },
  };
};

const plain = ({ proxy, ...access }: S3Access): PlainAccess => ({
  ...access,
  proxyUrl: proxy?.href,
});
