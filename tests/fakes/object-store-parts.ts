import type { ObjectMetadata, PartUpload } from '../../src/world.ts';
import type { FakeBucket } from './object-store-bucket.ts';
import { exactly } from './object-store-bytes.ts';
import type { FakeFailures } from './object-store-failures.ts';

export const fakePartUpload = (
  bucket: FakeBucket,
  key: string,
  metadata: Partial<ObjectMetadata>,
  failures: FakeFailures,
): PartUpload => {
  const uploadId = bucket.startUpload(key, metadata);
  return {
    uploadId,
    put: async (part, body, size, md5) => {
      failures.mayFail('part');
      const bytes = await exactly(body, size, `part ${part} of ${key}`);
      bucket.checkMd5(key, bytes, md5);
      return { etag: bucket.storePart(uploadId, part, bytes) };
    },
    complete: async () => {
      failures.mayFail('complete');
      return { etag: bucket.completeUpload(uploadId).etag };
    },
    abort: async () => {
      bucket.uploads.delete(uploadId);
    },
  };
};
