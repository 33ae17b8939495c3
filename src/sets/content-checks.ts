import type { ListedObject } from '../backup/buckets/object-list.ts';
import type { StoredObject } from '../world.ts';
import { checkContent, type ReadingWorld } from './check-content.ts';
import type { Damages } from './damages.ts';

/** Reads many objects, some at a time, and tells which of them are damaged. */
export interface ContentChecks {
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
