import { CharmError } from '../errors.ts';
import { layoutOf, type BackupId } from '../repository/layout.ts';
import { countText, listText, sizeText } from '../text.ts';
import type { ObjectStore, StoredObject, Target } from '../world.ts';

/** Objects that cannot be read now: of how many S3 was asked what, and in which classes. */
export interface ArchiveFound {
  readonly frozen: number;
  readonly asked: number;
  readonly thawing: number;
  readonly bytes: number;
  readonly classes: readonly string[];
}

/** Of the objects of a set, those that lie in an archive class of S3. */
export interface ArchiveCheck {
  /**
   * Looks at an object, and calls `read` when it can be read. Waits for that only where it lies in
   * no archive class; for others `width` are looked at side by side, until `idle`.
   */
  pass(object: StoredObject, read?: () => Promise<void>): Promise<void>;
  /** Waits until all are looked at. Rejects with the first failure. */
  idle(): Promise<void>;
  /** Objects that cannot be read now. */
  readonly frozen: number;
  /** All that is known of those. */
  readonly found: ArchiveFound;
  /** Adds what another process has found. */
  add(found: ArchiveFound): void;
  /** `object-archived`, when there are such objects. `what` is what they belong to. */
  problem(what: string): CharmError | undefined;
}

/** How long S3 keeps thawed objects readable. A restore of a large set takes its time. */
const days = 7;

/**
 * How long the Standard retrieval takes (AWS, "Archive retrieval options" and S3
 * Intelligent-Tiering).
 */
const durations: Readonly<Record<string, string>> = {
  GLACIER: '3 to 5 hours',
  DEEP_ARCHIVE: 'up to 12 hours',
  INTELLIGENT_TIERING: 'up to 12 hours',
};

/** With `thaw`, S3 is asked to thaw what cannot be read. That costs money. */
export const createArchiveCheck = (
  store: Pick<ObjectStore, 'thaw'>,
  { thaw, width }: { readonly thaw: boolean; readonly width: number },
): ArchiveCheck => {
  const running = new Set<Promise<void>>();
  const classes = new Set<string>();
  const counts = { frozen: 0, asked: 0, thawing: 0 };
  let bytes = 0;
  let failure: { readonly error: unknown } | undefined;

  const look = async (
    { key, size }: StoredObject,
    archive: string,
    read: () => Promise<void>,
  ): Promise<void> => {
    const found = await store.thaw(key, thaw ? days : undefined);
    if (found === 'readable') return read();
    counts[found] += 1;
    bytes += size;
    classes.add(archive);
  };
  const sumOf = (): number => counts.frozen + counts.asked + counts.thawing;

  return {
    pass: async (object, read = async () => undefined) => {
      if (object.archive === undefined) return read();
      while (running.size >= width) await Promise.race(running);
      if (failure) throw failure.error;
      const work = look(object, object.archive, read)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => running.delete(work));
      running.add(work);
    },
    idle: async () => {
      await Promise.all(running);
      if (failure) throw failure.error;
    },
    get frozen() {
      return sumOf();
    },
    get found() {
      return { ...counts, bytes, classes: [...classes] };
    },
    add: (found) => {
      for (const name of ['frozen', 'asked', 'thawing'] as const) counts[name] += found[name];
      bytes += found.bytes;
      for (const name of found.classes) classes.add(name);
    },
    problem: (what) => {
      if (sumOf() === 0) return undefined;
      const named = [...classes].sort();
      const all = `${countText(sumOf(), 'object')} of ${what} (${sizeText(bytes)})`;
      const times = named.map((name) => `${durations[name] ?? 'hours'} for ${name}`);
      return new CharmError(
        'object-archived',
        counts.frozen > 0
          ? `${all} cannot be read, because S3 has them in ${listText(named)}. Nothing was changed.` +
              ` Run the action with thaw=true: it asks S3 to thaw them, which takes ${listText(times)} and costs money.`
          : `S3 is thawing ${all}: ${counts.asked} were asked for now, ${counts.thawing} before. That takes ${listText(times)}. Nothing else was changed.` +
              ` Run the action again with thaw=true then; they stay readable for ${days} days.`,
      );
    },
  };
};

/**
 * Looks at what a set cannot even be looked at without: the claim of the path, the folder of the
 * set, and its dump. Rejects with `object-archived` when some of it cannot be read.
 */
export const checkDocuments = async (
  { store, prefix }: Target,
  id: BackupId,
  archive: ArchiveCheck,
): Promise<void> => {
  const layout = layoutOf(prefix);
  for (const place of [layout.claim, layout.mlmdDump(id), layout.set(id)])
    for await (const object of store.list(place)) await archive.pass(object);
  await archive.idle();
  const problem = archive.problem(`the manifest and lists of ${id}`);
  if (problem) throw problem;
};
