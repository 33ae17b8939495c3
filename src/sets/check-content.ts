import type { ListedObject } from '../backup/buckets/object-list.ts';
import {
  guessLayout,
  isMd5,
  layoutWith,
  partsOf,
  type PartLayout,
} from '../backup/buckets/part-layout.ts';
import { hasCode } from '../errors.ts';
import type { Clock, ObjectStore, StoredObject } from '../world.ts';
import { createDigest, type Digest } from './digest.ts';
import { storedEtag } from './stored-version.ts';

/**
 * What reading an object showed. `contradicted`: its ETag looks like an MD5 of another content, which proves damage only where ETags are
 * MD5s; under encryption by a key service they are not.
 */
export type Verdict =
  | { readonly kind: 'proven'; readonly byEtag: boolean }
  | { readonly kind: 'unproven' | 'contradicted' }
  | { readonly kind: 'damaged'; readonly why: string };

export interface ReadingWorld {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const attempts = 3;

/**
 * Reads an object to its end and compares it with what its list says: the SHA-256 where there is one, else the MD5 that an ETag of one piece
 * is, else the MD5 of the parts' MD5s where the parts' size is told or can be guessed, else only the size.
 */
export const checkContent = async (
  world: ReadingWorld,
  object: StoredObject,
  listed: ListedObject,
): Promise<Verdict> => {
  const layout = await layoutOf(world, object, listed);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const digest = createDigest(layout?.parts);
      const { body } = await world.store.get(object.key, {
        etag: object.etag,
        signal: world.signal,
      });
      const chunks: AsyncIterable<Uint8Array> = body;
      for await (const chunk of chunks) digest.update(chunk);
      return judge(digest, listed, layout?.isTold === true);
    } catch (error) {
      if (hasCode(error, 'object-missing'))
        return { kind: 'damaged', why: 'is listed, but cannot be read: it is not there' };
      if (hasCode(error, 'object-changed'))
        return { kind: 'damaged', why: 'was replaced while it was read' };
      if (!hasCode(error, 'store-unreachable') || attempt === attempts) throw error;
    }
    await world.clock.sleep(1000 * attempt, world.signal);
  }
};

const judge = (digest: Digest, listed: ListedObject, isTold: boolean): Verdict => {
  const { size, md5, sha256, parts } = digest.end();
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

/** How an object in parts is cut, as the server says, or as it probably is. */
const layoutOf = async (
  { store }: ReadingWorld,
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

/** The line of an object of which nothing is known but its own listing, so that its ETag proves and never damns it by itself. */
export const listedAsFound = ({ key, size, etag, lastModified }: StoredObject): ListedObject => ({
  key,
  size,
  etag,
  mirrorEtag: etag,
  lastModified: lastModified.toISOString(),
});
