import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Buckets } from './buckets.ts';
import { S3Faults, type S3Fault, type S3Observer, type S3RequestNote } from './faults.ts';
import { createHandler } from './handler.ts';
import { profileOf, type S3ProfileName } from './profiles.ts';
import type { S3Quirk } from './quirks.ts';
import type { S3User } from './signatures.ts';
import { S3Contents } from './contents.ts';

export interface S3ServerOptions {
  /**
   * Where the data lie. What is there already is served; without it, a temporary directory that
   * goes with the server.
   */
  readonly directory?: string;
  /** `target` unless given. */
  readonly profile?: S3ProfileName;
  /** Besides those of the profile. */
  readonly quirks?: readonly S3Quirk[];
  /** `testkey`, `testsecret` unless given. */
  readonly users?: readonly S3User[];
  /** Made when they are not there. */
  readonly buckets?: readonly string[];
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Buckets are also hosts below this name. */
  readonly hostname?: string;
  readonly port?: number;
  readonly now?: () => Date;
}

/** An S3 server on loopback. Objects can be put and read directly too, through `contents`. */
export interface S3Server extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** Every request since the start, or since it was emptied, in the order of arrival. */
  readonly requests: S3RequestNote[];
  readonly contents: S3Contents;
  /**
   * Lets coming requests fail: `server.fail({ operation: 'PutObject', nth: 3, fault: { answer: 503,
   * code: 'SlowDown' } })`.
   */
  fail(fault: S3Fault): void;
  /** Forgets what was planned with `fail`. */
  mend(): void;
  count(operation: string): number;
  /** Undefined: nobody. */
  observer: S3Observer | undefined;
  /** The XML that a request is answered instead; undefined: what the server has to say. */
  answer: ((request: S3RequestNote) => string | undefined) | undefined;
  /** Who may use it, from now on. */
  setUsers(users: readonly S3User[]): void;
  /** Closes all connections, also those in use. */
  close(): Promise<void>;
}

export const testUser = { accessKey: 'testkey', secretKey: 'testsecret' } as const;

export const startS3Server = async (options: S3ServerOptions = {}): Promise<S3Server> => {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 's3-server-'));
  const profile = profileOf(options.profile ?? 'target', options.quirks);
  const buckets = new S3Buckets(join(directory, 'buckets'), {
    keepsVersions: profile.quirks.has('keeps-versions'),
  });
  for (const name of options.buckets ?? []) buckets.create(name);
  const faults = new S3Faults();
  const requests: S3RequestNote[] = [];
  let users: readonly S3User[] = options.users ?? [testUser];
  const now = options.now ?? ((): Date => new Date());

  const observing: Pick<S3Server, 'observer' | 'answer'> = {
    observer: undefined,
    answer: undefined,
  };
  const handle = createHandler({
    buckets,
    faults,
    requests,
    observe: (request, when) => observing.observer?.(request, when),
    answer: (request) => observing.answer?.(request),
    users: () => users,
    now,
    profile,
    hostname: options.hostname ?? 's3.test',
  });
  const underWay = new Set<Promise<void>>();
  const listener = (message: IncomingMessage, response: ServerResponse): void => {
    const handled = handle(message, response).finally(() => underWay.delete(handled));
    underWay.add(handled);
  };
  const server = options.tls ? createHttps(options.tls, listener) : createHttp(listener);
  server.keepAliveTimeout = 60_000;
  // Under a bandwidth limit of 128k an upload takes longer than the five minutes that Node allows.
  server.requestTimeout = 0;
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;

  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
    // What is still being received or sent ends because its connection did, and then uses the
    // directory no more.
    await Promise.allSettled(underWay);
    buckets.close();
    if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
  };

  return {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    requests,
    contents: new S3Contents(buckets, now),
    fail: (fault) => {
      faults.add(fault);
    },
    mend: () => {
      faults.clear();
    },
    count: (operation) => requests.filter((request) => request.operation === operation).length,
    get observer() {
      return observing.observer;
    },
    set observer(observer) {
      observing.observer = observer;
    },
    get answer() {
      return observing.answer;
    },
    set answer(answer) {
      observing.answer = answer;
    },
    setUsers: (changed) => {
      users = changed;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
};
