import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { ObjectStore } from '../../../src/world.ts';
import type { S3Options } from '../../../src/adapters/s3/s3.ts';
import { openS3Rig, type S3Rig } from '../../rigs/s3.ts';

export const content = Buffer.alloc(300_000, 'content');
export const md5 = createHash('md5').update(content).digest('hex');

/** Everything that the adapter does, and what must be true when it says that it did. */
export const uses: Readonly<
  Record<string, { run(store: ObjectStore): Promise<unknown>; proven(rig: S3Rig): boolean }>
> = {
  ListObjectsV2: {
    run: async (store) => {
      assert.equal((await Array.fromAsync(store.list(''))).length, 1);
    },
    proven: () => true,
  },
  HeadObject: {
    run: async (store) => {
      assert.equal((await store.head('there'))?.size, content.length);
    },
    proven: () => true,
  },
  GetObject: {
    run: async (store) => {
      const { body } = await store.get('there');
      assert.deepEqual(await buffer(body), content);
    },
    proven: () => true,
  },
  GetObjectTagging: {
    run: async (store) => {
      assert.deepEqual(await store.tags('there'), {});
    },
    proven: () => true,
  },
  PutObject: {
    run: (store) => store.put('new', content),
    proven: ({ server }) => server.contents.read('bench', 'new').equals(content),
  },
  CopyObject: {
    run: (store) => store.copy('there', 'new', md5),
    proven: ({ server }) => server.contents.read('bench', 'new').equals(content),
  },
  DeleteObject: {
    run: (store) => store.delete(['there']),
    proven: ({ server }) => server.contents.keys('bench').length === 0,
  },
  DeleteObjects: {
    run: (store) => store.delete(['there', 'elsewhere']),
    proven: ({ server }) => server.contents.keys('bench').length === 0,
  },
  CreateMultipartUpload: { run: inParts, proven: partsArrived },
  UploadPart: { run: inParts, proven: partsArrived },
  CompleteMultipartUpload: { run: inParts, proven: partsArrived },
  AbortMultipartUpload: {
    run: async (store) => {
      const upload = await store.startParts('new', {});
      await upload.abort();
    },
    proven: ({ server }) => server.contents.bucket('bench').uploads.size === 0,
  },
  ListMultipartUploads: {
    run: async (store) => {
      assert.deepEqual(await Array.fromAsync(store.unfinishedUploads('')), []);
    },
    proven: () => true,
  },
};

export async function inParts(store: ObjectStore): Promise<void> {
  const upload = await store.startParts('new', {});
  await upload.put(1, content, content.length);
  await upload.complete();
}

function partsArrived({ server }: S3Rig): boolean {
  return server.contents.read('bench', 'new').equals(content);
}

/** A server with the object `there`, and an adapter that does not wait long. */
export const openRigWithObject = async (options: Partial<S3Options> = {}): Promise<S3Rig> => {
  const timeouts = { reply: 500, silence: 500, slowReply: 500 };
  const rig = await openS3Rig({}, { timeouts, ...options });
  rig.server.contents.put('bench', { key: 'there', content });
  return rig;
};
