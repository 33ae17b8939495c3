import { hasCode } from '../errors.ts';
import {
  guessLayout,
  isMd5,
  layoutWith,
  partsOf,
  type PartLayout,
  createDigest,
  type Digest,
} from '../repository/etag.ts';
import type { ListedObject } from '../repository/object-list.ts';
import { storedEtag } from '../repository/versions.ts';
import type { StoredObject, Clock, ObjectStore } from '../world.ts';
import type { Damages } from './verification.ts';

/** Reads many objects, some at a time, and tells which of them are damaged. */
interface ContentChecks {
  /** Objects whose content was proven by a checksum, and those of which only the size could be compared. */
  readonly proven: number;
  readonly unproven: number;
  readonly bytes: number;
  /** Begins to read as soon as there is room for it. Rejects when an earlier one could not be read at all. */
  read(object: StoredObject, listed: ListedObject, name: string): Promise<void>;
  /** Waits for all of them. */
  end(): Promise<void>;
}

const mostSuspects = 1000;

/** `width` objects are read at a time. All of them must be of one origin, such as one bucket: either their ETags are MD5s or they are not. */
export const createContentChecks = (
  world: ReadingWorld,
  damages: Damages,
  width: number,
): ContentChecks => {
  const running = new Set<Promise<void>>();
  const suspects: string[] = [];
  let failure: { readonly error: unknown } | undefined;
  let proven = 0;
  let unproven = 0;
  let bytes = 0;
  /** Whether an ETag was seen to be the MD5 of its content. */
  let honest = false;

  const check = async (object: StoredObject, listed: ListedObject, name: string): Promise<void> => {
    const verdict = await checkContent(world, object, listed);
    bytes += object.size;
    if (verdict.kind === 'damaged') await damages.found(`${name} ${verdict.why}`);
    else if (verdict.kind === 'proven') {
      proven += 1;
      honest ||= verdict.byEtag;
    } else if (verdict.kind === 'contradicted' && suspects.length < mostSuspects)
      suspects.push(name);
    else unproven += 1;
  };
  const rethrow = (): void => {
    if (failure) throw failure.error;
  };

  return {
    get proven() {
      return proven;
    },
    get unproven() {
      return unproven;
    },
    get bytes() {
      return bytes;
    },
    read: async (object, listed, name) => {
      while (running.size >= width) await Promise.race(running);
      rethrow();
      const work = check(object, listed, name)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => running.delete(work));
      running.add(work);
    },
    end: async () => {
      await Promise.all(running);
      rethrow();
      // Where one ETag is the MD5 of its content, they all are, and another MD5 is damage.
      if (!honest) unproven += suspects.length;
      else
        for (const name of suspects)
          await damages.found(`${name} has another MD5 than when it was copied`);
      suspects.length = 0;
    },
  };
};

/**
 * What reading an object showed. `contradicted`: its ETag looks like an MD5 of another content, which proves damage only where ETags are
 * MD5s; under encryption by a key service they are not.
 */
type Verdict =
  | { readonly kind: 'proven'; readonly byEtag: boolean }
  | { readonly kind: 'unproven' | 'contradicted' }
  | { readonly kind: 'damaged'; readonly why: string };

interface ReadingWorld {
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
