import { randomBytes } from 'node:crypto';
import { openS3, type S3Options } from '../../src/adapters/s3/s3.ts';
import type { ObjectStore } from '../../src/world.ts';
import type { S3Quirk } from '../servers/s3/quirks.ts';
import { describeKeys } from './object-store-keys.ts';
import { describeLinks } from './object-store-links.ts';
import { describeParts } from './object-store-parts.ts';
import { describePast } from './object-store-past.ts';
import { describeReading } from './object-store-reading.ts';
import { describeWriting } from './object-store-writing.ts';

/**
 * A store for one test. Everything that the test writes lies below `prefix`, where nothing was
 * before.
 */
export interface OpenedStore extends AsyncDisposable {
  readonly store: ObjectStore;
  readonly prefix: string;
  /** Stores many small objects in a faster way than one by one, where there is one. */
  seed?(keys: readonly string[]): void;
}

/** What the server behind a store does otherwise; the promises that this breaks are not checked. */
export type StoreQuirks = ReadonlySet<S3Quirk>;

/**
 * The promises of `ObjectStore` in world.ts, for the fake and for the adapter against whatever
 * server.
 */
export const describeObjectStore = (
  name: string,
  open: () => Promise<OpenedStore>,
  quirks: StoreQuirks = new Set(),
): void => {
  describe(`an object store: ${name}`, () => {
    describeKeys(open, quirks);
    describeReading(open, quirks);
    describeWriting(open, quirks);
    describeParts(open, quirks);
    if (quirks.has('keeps-versions')) describePast(open);
  });
};

/**
 * The same for a real server, whose bucket must exist; what is there already stays, and everything
 * that the suite writes is deleted again.
 */
export const describeRealServer = (
  name: string,
  options: () => S3Options,
  quirks: StoreQuirks = new Set(),
): void => {
  const open = async (): Promise<OpenedStore> => {
    const store = openS3(options());
    const prefix = `contract-${randomBytes(6).toString('hex')}/`;
    return {
      store,
      prefix,
      [Symbol.asyncDispose]: async () => {
        const keys: string[] = [];
        for await (const { key } of store.list(prefix)) keys.push(key);
        await store.delete(keys);
        for await (const { key, uploadId } of store.unfinishedUploads(prefix))
          await store.abortUpload(key, uploadId);
        await store[Symbol.asyncDispose]();
      },
    };
  };
  describeObjectStore(name, open, quirks);
  describeLinks(name, async () => ({ ...(await open()), options: options() }));
};
