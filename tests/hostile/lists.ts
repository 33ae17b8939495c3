import { gzipSync } from 'node:zlib';

/** Object lists that somebody put into the bucket who wishes us ill. */
export interface HostileList {
  readonly name: string;
  /** As it lies in S3. */
  readonly object: Buffer;
}

const good = {
  key: 'artifacts/1',
  size: 3,
  etag: 'd41d8cd98f00b204e9800998ecf8427e',
  lastModified: '2026-11-21T20:15:00.000Z',
};
const line = (changes: object = {}): string => `${JSON.stringify({ ...good, ...changes })}\n`;
/** As good as the others, and packed to a thousandth. */
export const padded = line().replace('}', `${' '.repeat(60_000)}}`);
const packed = (name: string, text: string): HostileList => ({ name, object: gzipSync(text) });

/** What each of them should have been. */
export const goodList = gzipSync(line());

export const hostileLists: readonly HostileList[] = [
  packed('a line of 20 MiB', `"${'x'.repeat(20 * 2 ** 20)}"\n`),
  packed('a key of 20 MiB', line({ key: 'x'.repeat(20 * 2 ** 20) })),
  packed('lines of spaces without an end', padded.repeat(2000)),
  packed('arrays in arrays', `${'['.repeat(30_000)}\n`),
  packed('no key', line({ key: undefined })),
  packed('a key that is a number', line({ key: 1 })),
  packed('a size below nothing', line({ size: -1e300 })),
  packed('a size that is not whole', line({ size: 1.5 })),
  packed('an ETag that is an object', line({ etag: {} })),
  packed('a second JSON text in a line', `${JSON.stringify(good)}${line()}`),
  packed('a NUL', `${JSON.stringify(good)}\0\n`),
  packed('no JSON', 'key,size,etag\n'),
  packed('an empty line', `\n${line()}`),
  { name: 'no gzip', object: Buffer.from(line()) },
  { name: 'gzip that is cut off', object: gzipSync(line()).subarray(0, -9) },
  { name: 'a member of gzip after the other', object: Buffer.concat([goodList, gzipSync('x\n')]) },
];
