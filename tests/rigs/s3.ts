import type { LookupFunction } from 'node:net';
import { openS3, type S3Options } from '../../src/adapters/s3/s3.ts';
import type { Clock, ObjectStore } from '../../src/world.ts';
import {
  startS3Server,
  testUser,
  type S3Server,
  type S3ServerOptions,
} from '../servers/s3/server.ts';

/** A server and the adapter for its bucket `bench`. Sleeping takes no time and is written down. */
export interface S3Rig extends AsyncDisposable {
  readonly server: S3Server;
  readonly store: ObjectStore;
  readonly options: S3Options;
  /** Milliseconds that the adapter would have slept. */
  readonly pauses: readonly number[];
}

export const openS3Rig = async (
  serverOptions: S3ServerOptions = {},
  storeOptions: Partial<S3Options> = {},
  endpoint: (server: S3Server) => string = ({ url }) => url,
): Promise<S3Rig> => {
  const server = await startS3Server({ buckets: ['bench'], ...serverOptions });
  const pauses: number[] = [];
  const clock: Clock = {
    now: () => new Date(),
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      pauses.push(milliseconds);
    },
  };
  const options: S3Options = {
    endpoint: endpoint(server),
    region: undefined,
    bucket: 'bench',
    style: 'path',
    ...testUser,
    clock,
    ...storeOptions,
  };
  const store = openS3(options);
  return {
    server,
    store,
    options,
    pauses,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await server.close();
    },
  };
};

/** Every name is this machine. */
export const loopbackLookup: LookupFunction = (_name, options, done) => {
  if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }]);
  else done(null, '127.0.0.1', 4);
};

/** The server's address under another name. */
export const atHost = (server: S3Server, host: string): string =>
  server.url.replace('127.0.0.1', host);
