import { isMd5, partsOf } from '../ports/etags.ts';
import type { ObjectStore, StoredObject } from '../world.ts';
import { createDigest, guessLayout, layoutWith, type Checksums, type PartLayout } from './etag.ts';
import { type ListedObject, storedEtag } from './object-list.ts';

/**
 * What reading an object showed. `contradicted`: its ETag has the form of an MD5 and is not that of
 * the content. That is damage, unless ETags are not MD5s there, as with encryption by a key
 * service.
 */
export type Verdict =
  | { readonly kind: 'proven'; readonly byEtag: boolean }
  | { readonly kind: 'unproven' | 'contradicted' }
  | { readonly kind: 'damaged'; readonly why: string };

/**
 * Reads an object to its end and compares it with what its list says: the SHA-256 where there is
 * one, else the ETag as an MD5, else the ETag of parts when their size is known or can be guessed,
 * else only the size. Rejects with `object-missing`, `object-changed`, or the error of reading.
 */
export const judgeContent = async (
  store: Pick<ObjectStore, 'get' | 'head'>,
  object: StoredObject,
  listed: ListedObject,
  signal?: AbortSignal,
): Promise<Verdict> => {
  const layout = await layoutOf(store, object, listed);
  const digest = createDigest(layout?.parts);
  const { body } = await store.get(object.key, { etag: object.etag, ...(signal && { signal }) });
  const chunks: AsyncIterable<Uint8Array> = body;
  for await (const chunk of chunks) digest.update(chunk);
  return judge(digest.end(), listed, layout?.isTold === true);
};

const judge = (
  { size, md5, sha256, parts }: Checksums,
  listed: ListedObject,
  isTold: boolean,
): Verdict => {
  const { etag, mirrorEtag } = listed;
  if (size !== listed.size)
    return { kind: 'damaged', why: `gives ${size} bytes instead of ${listed.size}` };
  if (listed.sha256 !== undefined) {
    return sha256 === listed.sha256
      ? { kind: 'proven', byEtag: false }
      : { kind: 'damaged', why: 'has another SHA-256 than when it was copied' };
  }
  const known = [etag, storedEtag(listed)];
  if (known.includes(md5) || (parts !== undefined && known.includes(parts)))
    return { kind: 'proven', byEtag: true };
  if (isTold && parts !== undefined)
    return { kind: 'damaged', why: 'has parts with other content than when it was copied' };
  if (!isMd5(etag)) return { kind: 'unproven' };
  return mirrorEtag === undefined
    ? { kind: 'damaged', why: 'has another MD5 than when it was copied' }
    : { kind: 'contradicted' };
};

/** The layout of an object in parts: as the server tells it, or as it can be guessed. */
const layoutOf = async (
  store: Pick<ObjectStore, 'head'>,
  { key, size, etag }: StoredObject,
  listed: ListedObject,
): Promise<{ readonly parts: PartLayout; readonly isTold: boolean } | undefined> => {
  const count = partsOf(storedEtag(listed)) ?? partsOf(listed.etag);
  if (count === undefined || listed.sha256 !== undefined) return undefined;
  const first = partsOf(etag) === count ? await store.head(key, { part: 1 }) : undefined;
  const told = first && first.etag === etag ? layoutWith(size, first.size) : undefined;
  if (told?.count === count) return { parts: told, isTold: etag === storedEtag(listed) };
  const parts = guessLayout(size, count);
  return parts && { parts, isTold: false };
};
