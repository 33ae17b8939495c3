import { parentPort, workerData } from 'node:worker_threads';
import { systemClock as clock } from '../adapters/clock.ts';
import { openS3 } from '../adapters/s3/s3.ts';
import { serveCopies } from '../components/buckets/threads/serve-copies.ts';
import type { ObjectStore } from '../world.ts';
import type { CopyThreadData, PlainAccess } from './start-copy-thread.ts';

/*
 * A thread that copies objects. start-copy-thread.ts starts it, and it is ended from outside.
 */

const { target, sources } = workerData as CopyThreadData;

const open = ({ proxyUrl, ...access }: PlainAccess): ObjectStore =>
  openS3({ ...access, clock, proxy: proxyUrl === undefined ? undefined : new URL(proxyUrl) });

const port = parentPort;
if (port === null) throw new TypeError('this file is for a thread');
serveCopies(
  {
    post: (message) => {
      port.postMessage(message);
    },
    onMessage: (handler) => void port.on('message', handler),
  },
  {
    target: open(target),
    sources: new Map(sources.map((source) => [source.bucket, open(source)])),
    clock,
  },
);
