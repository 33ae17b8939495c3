import type { Readable } from 'node:stream';
import type { S3Answer, S3Response } from './reply.ts';
import { textOf } from './xml.ts';

/** A reply that says no, as the server put it. */
export class S3Failure extends Error {
  readonly status: number;
  /** S3's own word, such as `SlowDown`; empty when the reply had none (a HEAD's never has). */
  readonly code: string;
  /** Milliseconds to wait, when the server asked for it. */
  readonly retryAfter: number | undefined;
  /** The region that the server would have liked. */
  readonly region: string | undefined;
  /** Where it sends us instead. */
  readonly location: string | undefined;

  constructor(status: number, xml: string, headers: Readonly<Record<string, string>>) {
    super(inShort(textOf(xml, 'Message'), 150) ?? '');
    this.name = 'S3Failure';
    this.status = status;
    this.code = inShort(textOf(xml, 'Code'), 60) ?? '';
    const seconds = Number(headers['retry-after'] ?? NaN);
    this.retryAfter = Number.isFinite(seconds) ? seconds * 1000 : undefined;
    this.location = inShort(headers['location'], 150);
    this.region = inShort(textOf(xml, 'Region') ?? headers['x-amz-bucket-region'], 60);
  }
}

/** What stands in a message, whatever answers there. */
const inShort = (text: string | undefined, most: number): string | undefined =>
  text?.replace(/\s+/g, ' ').trim().slice(0, most);

/** Reads what a server says about its refusal. */
export const failureOf = async ({ status, headers, body }: S3Response): Promise<S3Failure> =>
  new S3Failure(status, await beginningOf(body), headers);

/**
 * The same of a reply that was read already. Also some that begin with 200 tell of an error in
 * their XML.
 */
export const failureIn = ({ status, headers, bytes }: S3Answer): S3Failure | undefined => {
  const text = bytes.toString('utf8', 0, longestError);
  return status >= 300 || /<Error[\s>]/.test(text)
    ? new S3Failure(status, text, headers)
    : undefined;
};

/** No server's error is longer; what a proxy answers instead may be. */
const longestError = 65_536;

const beginningOf = async (body: Readable): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) break;
    chunks.push(chunk);
    length += chunk.length;
    if (length >= longestError) break;
  }
  return Buffer.concat(chunks).toString('utf8');
};
