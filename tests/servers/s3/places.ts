import { profileOf, s3ProfileNames } from './profiles.ts';
import type { S3Quirk } from './quirks.ts';
import { createBucket, radosGwVersion, startRadosGw } from './radosgw.ts';
import { startS3Server } from './server.ts';

/** Some S3 server, of which nothing is known but what S3 promises. Its user is `testUser`. */
export interface S3Place extends AsyncDisposable {
  readonly url: string;
  createBucket(name: string): Promise<void>;
}

const version = radosGwVersion();

const startVersioned = async (): Promise<S3Place> => {
  const server = await startRadosGw();
  return {
    url: server.url,
    createBucket: (name) => server.createVersionedBucket(name),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
};

/** A server that somebody started by hand, and its name; its user must be `testUser`. */
export const serverAtHand = process.env['S3_SERVER'];

/** What that server is known to do: the name of a profile in S3_PROFILE. */
export const quirksAtHand: ReadonlySet<S3Quirk> = profileOf(
  s3ProfileNames.find((name) => name === process.env['S3_PROFILE']) ?? 'target',
).quirks;

/**
 * The servers that whole suites run against: the box's own, RadosGW where it is installed,
 * and the one whose URL is in S3_SERVER. Their names say which ones
 * they were, and the reporter repeats them.
 */
export const s3Places: readonly {
  readonly name: string;
  readonly quirks?: ReadonlySet<S3Quirk>;
  start(): Promise<S3Place>;
}[] = [
  {
    name: "the box's server",
    start: async () => {
      const server = await startS3Server();
      return {
        url: server.url,
        createBucket: async (name) => {
          server.contents.bucket(name);
        },
        [Symbol.asyncDispose]: () => server.close(),
      };
    },
  },
  ...(version === undefined
    ? []
    : [
        { name: `RadosGW ${version}`, start: () => startRadosGw() },
        { name: `RadosGW ${version} with versioning`, start: startVersioned },
      ]),
  ...(serverAtHand === undefined
    ? []
    : [
        {
          name: `the server at ${serverAtHand}`,
          quirks: quirksAtHand,
          start: async () => ({
            url: serverAtHand,
            createBucket: (name: string) => createBucket(serverAtHand, name),
            [Symbol.asyncDispose]: async () => undefined,
          }),
        },
      ]),
];
