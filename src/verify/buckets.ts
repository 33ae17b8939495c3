import { hasCode } from '../errors.ts';
import { mergeJoin } from '../repository/join.ts';
import type { Layout } from '../repository/layout.ts';
import type { BucketBackup } from '../repository/manifest.ts';
import { openCheckedList } from '../repository/checked-list.ts';
import { type ListedObject, storedEtag } from '../repository/object-list.ts';
import { readAhead } from '../repository/read-ahead.ts';
import {
  findVersion,
  inHistoryOrder,
  isVersion,
  isVersionInHistory,
  rangeInHistory,
} from '../repository/versions.ts';
import type { KeyRange, ObjectStore, StoredObject } from '../world.ts';
import { type ContentChecks, createContentChecks, type Doubts } from './content.ts';
import type { VerifyWork } from './verification.ts';

/**
 * Looks for every object of a bucket's list, and in a deep verification reads them all. Resolves to
 * whether the list itself is intact: without it nothing of the bucket can be restored.
 */
export const verifyBucket = async (work: VerifyWork, backup: BucketBackup): Promise<boolean> => {
  const { damages } = work;
  const checks = createContentChecks(work, damages, work.width);
  let isListIntact = true;
  try {
    await lookAt(work, backup, checks);
  } catch (error) {
    if (!hasCode(error, 'manifest-invalid')) throw error;
    isListIntact = false;
    const isMissing = hasCode(error.cause, 'object-missing');
    await damages.found(error.message, isMissing ? 'missing' : 'damaged');
  } finally {
    await checks.end();
  }
  work.count({ proven: checks.proven, unproven: checks.unproven });
  return isListIntact;
};

/** A part of a bucket, and the lines that its list has of it. */
export interface BucketPart {
  readonly bucket: string;
  readonly range: KeyRange;
  readonly list: BucketBackup['list'];
  /** Has that list. */
  readonly listStore: ObjectStore;
}

/**
 * As `verifyBucket` for a part of the bucket. Resolves to what only all parts together can settle.
 * Rejects with `manifest-invalid` when the lines cannot be read.
 */
export const verifyPart = async (work: VerifyWork, part: BucketPart): Promise<Doubts> => {
  const checks = createContentChecks(work, work.damages, work.width);
  try {
    await lookAt(work, part, checks);
  } finally {
    await checks.idle();
  }
  work.count({ proven: checks.proven, unproven: checks.unproven });
  return checks.doubts();
};

const lookAt = async (
  work: VerifyWork,
  part: LocatedPart,
  checks: ContentChecks,
): Promise<void> => {
  const { store, layout, damages, signal, archive } = work;
  const nameOf = (key: string): string => `${part.bucket}: ${JSON.stringify(key)}`;
  await locateObjects(store, layout, part, {
    there: async (object, listed) => {
      signal.throwIfAborted();
      await work.mayGoOn?.();
      work.count({ objects: 1 });
      await archive.pass(object, async () => {
        if (!work.deep) return;
        await checks.read(object, listed, nameOf(listed.key));
        work.count({ bytes: object.size });
      });
    },
    lost: async (listed, why) => {
      work.count({ objects: 1 });
      await damages.found(`${nameOf(listed.key)} ${why.text}`, why.kind);
    },
  });
  await archive.idle();
};

/** What is wrong with an object. `text` follows its name in a sentence. */
interface Fault {
  readonly kind: 'missing' | 'damaged';
  readonly text: string;
}

/** Is told of each object of a set once: where its bytes are, or why they are lost. */
interface Located {
  there(object: StoredObject, listed: ListedObject): Promise<void>;
  lost(listed: ListedObject, why: Fault): Promise<void>;
}

/** A listed object that the mirror does not have in this version. */
interface Sought extends ListedObject {
  readonly why: Fault;
}

type LocatedPart = Pick<BucketBackup, 'bucket' | 'list'> & Partial<BucketPart>;

/**
 * Looks for every object of a bucket's list in the mirror and then in the history, by the listings
 * and in constant memory. Rejects with `manifest-invalid` when the list itself is missing or
 * damaged, after the objects that it did name.
 */
const locateObjects = async (
  store: ObjectStore,
  layout: Layout,
  { bucket, list, range = {}, listStore = store }: LocatedPart,
  located: Located,
): Promise<void> => {
  const mirror = layout.mirror(bucket);
  const history = layout.history(bucket);
  const places = { mirror, history };
  const inHistory = rangeInHistory(range);
  let looked = 0;
  const notInMirror = async function* (): AsyncGenerator<Sought> {
    for await (const [item, found] of mergeJoin(
      { items: readAhead(openCheckedList(listStore, list), 'object list') },
      {
        items: readAhead(store.list(mirror, below(mirror, range)), 'listing of the mirror'),
        prefix: mirror,
      },
    )) {
      if (item === undefined) continue;
      if (found !== undefined && isVersion(found, item)) await located.there(found, item);
      else yield { ...item, why: faultInMirror(item, found) };
    }
  };
  for await (const [item, kept] of mergeJoin(
    { items: readAhead(inHistoryOrder(notInMirror()), 'object list') },
    {
      items: readAhead(store.list(history, below(history, inHistory)), 'listing of the history'),
      prefix: history,
    },
  )) {
    if (item === undefined) continue;
    const { why, ...listed } = item.listed;
    if (kept && (await isVersionInHistory(store, kept, listed))) {
      await located.there(kept, listed);
      continue;
    }
    looked += 1;
    // A backup that runs meanwhile may move a version to the history after its listing has passed
    // that key.
    const moved = looked > mostLooked ? undefined : await findVersion(store, places, listed);
    if (moved) await located.there(moved, listed);
    else await located.lost(listed, kept ? faultInHistory(listed, kept) : why);
  }
};

/** Names behind the end of a range, of a few keys that the last one begins with, are looked for. */
const mostLooked = 1000;

const below = (prefix: string, { startAfter, upTo }: KeyRange): KeyRange => ({
  ...(startAfter !== undefined && { startAfter: prefix + startAfter }),
  ...(upTo !== undefined && { upTo: prefix + upTo }),
});

const faultInMirror = (listed: ListedObject, found: StoredObject | undefined): Fault => {
  if (found === undefined) return { kind: 'missing', text: 'is missing' };
  const how =
    found.size === listed.size
      ? `its ETag is ${found.etag} instead of ${storedEtag(listed)}`
      : `it has ${found.size} bytes instead of ${listed.size}`;
  return { kind: 'damaged', text: `was replaced (${how})` };
};

const faultInHistory = (listed: ListedObject, found: StoredObject): Fault => ({
  kind: 'damaged',
  text:
    found.size === listed.size
      ? `was replaced in the history (its ETag is ${found.etag} instead of ${listed.etag})`
      : `has ${found.size} bytes instead of ${listed.size}`,
});
