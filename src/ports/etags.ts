import { createHash } from 'node:crypto';

/*
 * What an ETag of S3 tells about the content. Most often it is the content's MD5, or, for an object
 * in parts, it is made of the parts' MD5s. MD5s are lower-case hex here.
 */

export const md5Of = (bytes: Uint8Array | string): string =>
  createHash('md5').update(bytes).digest('hex');

/** Whether an ETag may be the MD5 of the content. */
export const isMd5 = (etag: string): boolean => /^[0-9a-f]{32}$/.test(etag);

/**
 * The number of parts that an ETag tells of, `…-12`; undefined for an object that was written in
 * one piece.
 */
export const partsOf = (etag: string): number | undefined => {
  const count = /^[0-9a-f]{32}-([1-9]\d{0,4})$/.exec(etag)?.[1];
  return count === undefined ? undefined : Number(count);
};

/** The ETag of an object in parts: the MD5 of the parts' binary MD5s, and their number. */
export const etagOfParts = (md5s: readonly string[]): string => {
  const hash = createHash('md5');
  for (const md5 of md5s) hash.update(md5, 'hex');
  return `${hash.digest('hex')}-${md5s.length}`;
};
