import { createReadStream } from 'node:fs';
import { systemClock as clock } from '../../src/adapters/clock.ts';
import type { S3Access } from '../../src/adapters/s3/options.ts';
import { openS3 } from '../../src/adapters/s3/s3.ts';
import { createBandwidth } from '../../src/components/buckets/bandwidth.ts';
import { openCopyThreads } from '../../src/components/buckets/threads/copy-threads.ts';
import { copyBucket } from '../../src/components/buckets/mirror-bucket.ts';
import { readObjectList } from '../../src/repository/object-list.ts';
import { threadBetween } from '../../src/wiring/start-copy-thread.ts';

/** What bench.ts asks for: one pass, as the charm makes it. */
export interface BenchCopy {
  readonly from: { readonly endpoint: string; readonly bucket: string };
  readonly to: { readonly endpoint: string; readonly bucket: string };
  readonly prefix: string;
  /** The object list of the pass before; undefined for the first. */
  readonly baseline?: string;
  readonly list: string;
  readonly transfers: number;
  readonly copyProcesses: number;
}

const copy = JSON.parse(process.argv[2] ?? '') as BenchCopy;

// As main.ts gives it to every connection.
const { signal } = new AbortController();

const accessTo = ({ endpoint, bucket }: BenchCopy['from']): S3Access => ({
  ...{ endpoint, bucket, region: undefined, style: 'path' },
  ...{ accessKey: 'testkey', secretKey: 'testsecret' },
});

await using from = openS3({ ...accessTo(copy.from), clock, signal });
await using to = openS3({ ...accessTo(copy.to), clock, signal });
const note = async (text: string): Promise<void> => {
  console.error(text);
};
await using threads = openCopyThreads(
  {
    progress: { note, step: note },
    startCopyThread: async () => threadBetween([accessTo(copy.from)], accessTo(copy.to)),
  },
  copy,
  { buckets: [copy.from.bucket] },
);
const pass = await copyBucket(
  { store: from, ...copy.from },
  { store: to, ...copy.to, prefix: copy.prefix, application: 'ckf-backup' },
  {
    mirror: `${copy.prefix}/mlpipeline/`,
    history: `${copy.prefix}/history/mlpipeline/`,
    baseline:
      copy.baseline === undefined
        ? undefined
        : readObjectList(createReadStream(copy.baseline), copy.baseline),
    list: copy.list,
    archive: copy.baseline !== undefined,
    keepsTags: true,
    confirmListed: false,
    previousCount: undefined,
    allowShrink: false,
    transfers: copy.transfers,
    threads,
    bandwidth: createBandwidth([], clock),
    clock,
    signal,
  },
);
console.log(JSON.stringify(pass));
