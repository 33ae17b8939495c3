import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { flipped } from './content.ts';
import type { S3FaultAction } from './faults.ts';
import { quotedEtag, type S3Reply } from './replies.ts';

/** Sends a reply, or what a fault makes of it. Resolves when it is gone, or will never be. */
export const send = async (
  response: ServerResponse,
  reply: S3Reply,
  fault: S3FaultAction | undefined,
): Promise<void> => {
  if (fault && 'reset' in fault) {
    response.socket?.resetAndDestroy();
    return;
  }
  if (fault && 'stall' in fault && fault.stall === 'reply') return;
  const body = reply.body ?? Buffer.alloc(0);
  const size = reply.size ?? (Buffer.isBuffer(body) ? body.length : 0);
  const added = fault && 'length' in fault ? fault.length : 0;
  response.writeHead(reply.status, {
    ...reply.headers,
    ...(fault && 'etag' in fault && { etag: quotedEtag(fault.etag) }),
    ...(reply.status !== 204 &&
      reply.status !== 304 &&
      !reply.isChunked && { 'content-length': size + added }),
  });
  if (reply.body === undefined) {
    response.end();
    return;
  }
  await sendBody(response, body, { limit: limitOf(size, fault), added, fault });
};

/** How many bytes of the body go out. */
const limitOf = (size: number, fault: S3FaultAction | undefined): number => {
  if (fault && 'truncate' in fault) return Math.min(fault.truncate, size);
  if (fault && 'stall' in fault) return size >> 1;
  if (fault && 'length' in fault) return Math.min(size + fault.length, size);
  return size;
};

const sendBody = async (
  response: ServerResponse,
  body: Buffer | AsyncIterable<Buffer>,
  { limit, added, fault }: { limit: number; added: number; fault: S3FaultAction | undefined },
): Promise<void> => {
  let left = limit;
  let first = true;
  for await (const whole of Buffer.isBuffer(body) ? [body] : body) {
    if (response.destroyed) return;
    const piece = fault && 'flip' in fault && first ? flipped(whole) : whole;
    first = false;
    const bytes = piece.subarray(0, left);
    left -= bytes.length;
    if (fault && 'bytesPerSecond' in fault) await trickle(response, bytes, fault.bytesPerSecond);
    else if (bytes.length > 0 && !response.write(bytes)) await drained(response);
    if (left === 0) break;
  }
  if (fault && 'stall' in fault) return;
  if (fault && 'truncate' in fault) {
    response.flushHeaders();
    // Closed in order, so that what was sent arrives.
    response.socket?.end();
    return;
  }
  if (added > 0) response.socket?.end();
  else response.end();
};

const trickle = async (response: ServerResponse, bytes: Buffer, rate: number): Promise<void> => {
  const step = Math.max(Math.ceil(rate / 50), 1);
  for (let at = 0; at < bytes.length && !response.destroyed; at += step) {
    response.write(bytes.subarray(at, at + step));
    await sleep(20);
  }
};

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
