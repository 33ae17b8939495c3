import type { ReadJob } from '../components/buckets/threads/messages.ts';
import { hasCode } from '../errors.ts';
import { judgeContent, type Verdict } from '../repository/content.ts';
import type { ListedObject } from '../repository/object-list.ts';
import { excerpt } from '../text.ts';
import type { StoredObject, Clock, ObjectStore } from '../world.ts';
import type { Damages, VerifyWork } from './verification.ts';

/** Reads many objects, several at a time, and reports those that are damaged. */
export interface ContentChecks {
  /**
   * Objects whose content was proven by a checksum, and those of which only the size could be
   * compared.
   */
  readonly proven: number;
  readonly unproven: number;
  readonly bytes: number;
  /**
   * Begins to read an object as soon as fewer than `width` are being read. Rejects when an earlier
   * one could not be read.
   */
  read(object: StoredObject, listed: ListedObject, name: string): Promise<void>;
  /** Waits until all objects are read; no other one may follow. */
  idle(): Promise<void>;
  /** What only all objects of the place together can settle; to be asked for when idle. */
  doubts(): Doubts;
  /** Waits until all objects are read, and settles their doubts. */
  end(): Promise<void>;
}

/** What is open about objects whose ETags are not the MD5s of their contents. */
export interface Doubts {
  /** Whether the ETag of some object was the MD5 of its content. */
  readonly honest: boolean;
  /** The names of objects of whom it was not. */
  readonly suspects: readonly string[];
}

const mostSuspects = 1000;

/**
 * When one ETag of a place is the MD5 of its content, all must be, and an object with another MD5
 * is damaged. Returns how many objects stay unproven.
 */
export const settleDoubts = async (
  damages: Damages,
  doubts: readonly Doubts[],
): Promise<number> => {
  const suspects = doubts.flatMap((one) => one.suspects);
  if (!doubts.some(({ honest }) => honest)) return suspects.length;
  for (const name of suspects)
    await damages.found(`${name} has another MD5 than when it was copied`);
  return 0;
};

/**
 * `width` objects are read at a time. All of them must come from one place, such as one bucket, so
 * that all their ETags are MD5s or none is.
 */
export const createContentChecks = (
  world: ReadingWorld & Pick<VerifyWork, 'threads'>,
  damages: Damages,
  width: number,
): ContentChecks => {
  const over = new AbortController();
  const running = new Set<Promise<void>>();
  const suspects: string[] = [];
  let failure: { readonly error: unknown } | undefined;
  let proven = 0;
  let unproven = 0;
  let bytes = 0;
  let honest = false;

  const here = ({ source, listed }: ReadJob): Promise<Verdict> =>
    checkContent(world, source, listed);
  const judge =
    world.threads?.open({
      ...{ here, how: { kind: 'read' }, asking: undefined },
      signal: AbortSignal.any([world.signal, over.signal]),
    }) ?? here;

  const check = async (object: StoredObject, listed: ListedObject, name: string): Promise<void> => {
    const verdict = await judge({ source: object, listed }, () => undefined);
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

  const idle = async (): Promise<void> => {
    await Promise.all(running);
    over.abort();
    rethrow();
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
    idle,
    doubts: () => ({ honest, suspects: [...suspects] }),
    end: async () => {
      await idle();
      unproven += await settleDoubts(damages, [{ honest, suspects: suspects.splice(0) }]);
    },
  };
};

interface ReadingWorld {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const attempts = 3;

/** Reads an object to its end and judges it; again when the connection breaks. */
export const checkContent = async (
  { store, clock, signal }: ReadingWorld,
  object: StoredObject,
  listed: ListedObject,
): Promise<Verdict> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await judgeContent(store, object, listed, signal);
    } catch (error) {
      if (hasCode(error, 'object-missing'))
        return { kind: 'damaged', why: 'is listed, but cannot be read: it is not there' };
      if (hasCode(error, 'object-changed'))
        return { kind: 'damaged', why: 'was replaced while it was read' };
      // About this object alone, since the server has just listed it. The others are read all the
      // same.
      if (hasCode(error, 'store-refused'))
        return { kind: 'damaged', why: `cannot be read: ${excerpt(error.why, 200)}` };
      if (!hasCode(error, 'store-unreachable') || attempt === attempts) throw error;
    }
    await clock.sleep(1000 * attempt, signal);
  }
};

/**
 * A line for an object of which only its listing is known. Its ETag can prove the content, but a
 * different MD5 alone does not count as damage.
 */
export const listedAsFound = ({ key, size, etag, lastModified }: StoredObject): ListedObject => ({
  key,
  size,
  etag,
  mirrorEtag: etag,
  lastModified: lastModified.toISOString(),
});
