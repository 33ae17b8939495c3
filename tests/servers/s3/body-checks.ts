import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { S3Incoming } from './incoming.ts';
import type { S3Profile } from './profiles.ts';
import { S3Error } from './replies.ts';

/** Content-MD5. */
export const checkMd5 = ({ headers }: S3Incoming, digest: string): void => {
  const announced = headers['content-md5'];
  if (announced === undefined) return;
  const wanted = Buffer.from(announced, 'base64');
  if (wanted.length !== 16)
    throw new S3Error(400, 'InvalidDigest', 'The Content-MD5 you specified was invalid.');
  if (wanted.toString('hex') !== digest)
    throw new S3Error(400, 'BadDigest', 'The Content-MD5 you specified did not match.');
};

/** In a bucket with Object Lock. */
export const checkDigestGiven = ({ headers, query }: S3Incoming): void => {
  const isGiven = Object.keys(headers).some(
    (name) => name === 'content-md5' || name.startsWith('x-amz-checksum-'),
  );
  if (isGiven) return;
  const what = query.has('partNumber') ? 'Part' : 'Object';
  throw new S3Error(
    400,
    'InvalidRequest',
    `Content-MD5 OR x-amz-checksum- HTTP header is required for Put ${what} requests with Object Lock parameters`,
  );
};

export interface Check {
  update(bytes: Buffer): void;
  verify(): void;
}

/** x-amz-content-sha256 and x-amz-checksum-*. */
export const checksOf = ({ headers }: S3Incoming, { quirks }: S3Profile): readonly Check[] => {
  const sha256 = headers['x-amz-content-sha256'] ?? '';
  const checks = /^[0-9a-f]{64}$/.test(sha256)
    ? [hashCheck(createHash('sha256'), 'hex', sha256, 'XAmzContentSHA256Mismatch')]
    : [];
  if (quirks.has('ignores-checksums')) return checks;
  for (const name of Object.keys(headers).filter((one) => one.startsWith('x-amz-checksum-'))) {
    const algorithm = name.slice('x-amz-checksum-'.length);
    if (algorithm === 'sha1' || algorithm === 'sha256')
      checks.push(hashCheck(createHash(algorithm), 'base64', headers[name]!, 'BadDigest'));
    else if (algorithm === 'crc32') checks.push(crcCheck(headers[name]!));
    else if (algorithm !== 'mode' && algorithm !== 'type')
      throw new S3Error(501, 'NotImplemented', `The test server does not know ${name}.`);
  }
  return checks;
};

const hashCheck = (
  hash: Hash,
  encoding: 'hex' | 'base64',
  wanted: string,
  code: string,
): Check => ({
  update: (bytes) => hash.update(bytes),
  verify: () => {
    if (hash.digest(encoding) !== wanted)
      throw new S3Error(400, code, 'The checksum that was given does not match the content.');
  },
});

const crcCheck = (wanted: string): Check => {
  let value = 0;
  return {
    update: (bytes) => {
      value = crc32(bytes, value);
    },
    verify: () => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      if (bytes.toString('base64') !== wanted)
        throw new S3Error(400, 'BadDigest', 'The CRC32 that was given does not match.');
    },
  };
};
