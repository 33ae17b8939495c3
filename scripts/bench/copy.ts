import { createReadStream } from 'node:fs';
import { systemClock as clock } from '../../src/adapters/clock.ts';
import { openS3 } from '../../src/adapters/s3/s3.ts';
import { createBandwidth } from '../../src/components/buckets/bandwidth.ts';
import { copyBucket } from '../../src/components/buckets/mirror-bucket.ts';
import { readObjectList } from '../../src/repository/object-list.ts';
import type { ObjectStore } from '../../src/world.ts';

/** What bench.ts asks for: one pass, as the charm makes it. */
export interface BenchCopy {
  readonly from: { readonly endpoint: string; readonly bucket: string };
  readonly to: { readonly endpoint: string; readonly bucket: string };
  readonly prefix: string;
  /** The object list of the pass before; undefined for the first. */
  readonly baseline?: string;
  readonly list: string;
  readonly transfers: number;
}

const copy = JSON.parse(process.argv[2] ?? '') as BenchCopy;

// As main.ts gives it to every connection.
const { signal } = new AbortController();

const open = ({ endpoint, bucket }: BenchCopy['from']): ObjectStore =>
  openS3({
    endpoint,
    bucket,
    region: undefined,
    accessKey: 'testkey',
    secretKey: 'testsecret',
    style: 'path',
    clock,
    signal,
  });

await using from = open(copy.from);
await using to = open(copy.to);
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
    bandwidth: createBandwidth([], clock),
    clock,
    signal,
  },
);
console.log(JSON.stringify(pass));
