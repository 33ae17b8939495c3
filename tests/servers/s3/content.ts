import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkDigestGiven, checkMd5, checksOf } from './body-checks.ts';
import type { S3Bucket, S3File, S3Part } from './bucket.ts';
import type { S3FaultAction } from './faults.ts';
import type { S3Incoming } from './incoming.ts';
import type { S3Profile } from './profiles.ts';
import { S3Error } from './replies.ts';

/** Files up to this size are written and read in one piece. */
const small = 256 * 1024;

/**
 * Takes the body of a request into a new file, in pieces, and verifies everything that the request
 * says about it. Nothing is left when the body is not what was announced.
 */
export const receive = async (
  incoming: S3Incoming,
  bucket: S3Bucket,
  profile: S3Profile,
  fault: S3FaultAction | undefined,
): Promise<S3Part> => {
  const size = announcedSize(incoming, profile);
  if (profile.quirks.has('demands-digests')) checkDigestGiven(incoming);
  const file = bucket.newFile();
  const md5 = createHash('md5');
  const checks = checksOf(incoming, profile);
  try {
    let received = 0;
    const counted = async function* (): AsyncGenerator<Buffer> {
      for await (const piece of incomingPieces(incoming, fault, size)) {
        received += piece.length;
        md5.update(piece);
        for (const check of checks) check.update(piece);
        yield piece;
      }
    };
    await save(bucket.pathOf(file), counted(), size);
    if (received !== size) throw incomplete();
    const digest = md5.copy().digest('hex');
    checkMd5(incoming, digest);
    for (const check of checks) check.verify();
    return { file, size, etag: digest };
  } catch (error) {
    rmSync(bucket.pathOf(file), { force: true });
    throw error;
  }
};

/** The whole body of a request that must be small, verified likewise. */
export const receiveText = async (incoming: S3Incoming, profile: S3Profile): Promise<string> => {
  const size = announcedSize(incoming, profile);
  if (size > 2 * 2 ** 20) throw new S3Error(400, 'MaxMessageLengthExceeded', 'Too long.');
  const checks = checksOf(incoming, profile);
  const pieces: Buffer[] = [];
  for await (const piece of incomingPieces(incoming, undefined, size)) pieces.push(piece);
  const body = Buffer.concat(pieces);
  if (body.length !== size) throw incomplete();
  checkMd5(incoming, createHash('md5').update(body).digest('hex'));
  for (const check of checks) {
    check.update(body);
    check.verify();
  }
  return body.toString('utf8');
};

/** The bytes from `start` to `end` (inclusive) of an object. */
export const contentOf = (
  bucket: S3Bucket,
  files: readonly S3File[],
  start: number,
  end: number,
): Buffer | AsyncIterable<Buffer> => {
  const [only] = files;
  if (files.length === 1 && only && only.size <= small)
    return readFileSync(bucket.pathOf(only.file)).subarray(start, end + 1);
  return piecesOf(bucket, files, start, end);
};

async function* piecesOf(
  bucket: S3Bucket,
  files: readonly S3File[],
  start: number,
  end: number,
): AsyncGenerator<Buffer> {
  let offset = 0;
  for (const { file, size } of files) {
    const first = Math.max(start - offset, 0);
    const last = Math.min(end - offset, size - 1);
    if (first <= last)
      for await (const piece of createReadStream(bucket.pathOf(file), { start: first, end: last }))
        if (Buffer.isBuffer(piece)) yield piece;
    offset += size;
  }
}

const save = async (path: string, pieces: AsyncIterable<Buffer>, size: number): Promise<void> => {
  if (size <= small) {
    const all: Buffer[] = [];
    for await (const piece of pieces) all.push(piece);
    writeFileSync(path, Buffer.concat(all));
    return;
  }
  await pipeline(pieces, createWriteStream(path));
};

async function* incomingPieces(
  { message }: S3Incoming,
  fault: S3FaultAction | undefined,
  size: number,
): AsyncGenerator<Buffer> {
  let count = 0;
  let received = 0;
  for await (const piece of message) {
    if (!Buffer.isBuffer(piece)) throw new TypeError('a body must be bytes');
    received += piece.length;
    if (fault && 'reset' in fault && fault.reset === 'during' && received * 2 >= size)
      message.socket.resetAndDestroy();
    if (fault && 'bytesPerSecond' in fault)
      await sleep((piece.length / fault.bytesPerSecond) * 1000);
    yield fault && 'flip' in fault && count === 0 ? flipped(piece) : piece;
    count += 1;
  }
}

export const flipped = (bytes: Buffer): Buffer => {
  const copy = Buffer.from(bytes);
  const middle = copy.length >> 1;
  if (copy.length > 0) copy.writeUInt8(copy.readUInt8(middle) ^ 1, middle);
  return copy;
};

const announcedSize = ({ headers }: S3Incoming, { trailers }: S3Profile): number => {
  const payload = headers['x-amz-content-sha256'] ?? '';
  if (headers['x-amz-trailer'] !== undefined || payload.startsWith('STREAMING-'))
    throw new S3Error(
      trailers.status,
      trailers.code,
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
  const length = headers['content-length'];
  if (length === undefined)
    throw new S3Error(411, 'MissingContentLength', 'You must provide the Content-Length header.');
  return Number(length);
};

const incomplete = (): S3Error =>
  new S3Error(400, 'IncompleteBody', 'You did not provide the number of bytes you announced.');
