import type { StoredObject, Target } from '../world.ts';
import { layoutOf } from './layout.ts';
import { readText } from './read-text.ts';

/** Who wants to work on a prefix. */
export interface LockOwner {
  readonly modelUuid: string;
  readonly unit: string;
  /** Identifies the machine and its boot. It changes when the pod moves to another node. */
  readonly host: string;
}

/** The content of `locks/<nonce>.json`. */
export interface LockRecord extends LockOwner {
  readonly nonce: string;
  /** `asking`: its writer has not looked yet for other claims. */
  readonly state: 'asking' | 'held';
  /**
   * Claims that were dead when this one took over. They do not count any more, even if their
   * writers wake up.
   */
  readonly buried: readonly string[];
  /** The nonce of the holder that this unit helps: see `helpHolder`. */
  readonly helps?: string;
  /** What a helping unit has done so far. */
  readonly progress?: HelpProgress;
}

/** Objects that are in the mirror, and bytes of them, by the work of one unit. */
export interface HelpProgress {
  readonly objects: number;
  readonly bytes: number;
}

/** The claim of another operation. */
export interface OtherClaim {
  readonly key: string;
  readonly nonce: string | undefined;
  readonly helps: string | undefined;
  readonly progress: HelpProgress | undefined;
  /** When S3 says that it was written. */
  readonly written: Date;
  /** Milliseconds since then, by the time of S3. */
  readonly age: number;
  readonly unit: string;
  readonly modelUuid: string;
  readonly state: 'asking' | 'held';
  readonly isLive: boolean;
}

export interface SeenClaims {
  /** Our own claim as it is listed; undefined when it is gone. */
  readonly own: StoredObject | undefined;
  readonly others: readonly OtherClaim[];
}

/** Where the claims of those lie who work together, or must not. */
export interface ClaimPlace {
  /** Their prefix. */
  readonly all: string;
  of(nonce: string): string;
  /** The one lock of revisions before 2.0. */
  readonly old?: string;
}

/** Where those claims lie who work on a path. */
export const lockOf = ({ prefix }: Pick<Target, 'prefix'>): ClaimPlace => {
  const layout = layoutOf(prefix);
  return { all: layout.locks, of: (nonce) => layout.lockClaim(nonce), old: layout.oldLock };
};

/** Milliseconds. When a claim was not renewed for so long, its writer is dead. */
export const lifetimeMilliseconds = 5 * 60_000;

export const writeLockClaim = async (
  target: Target,
  record: LockRecord,
  place: ClaimPlace = lockOf(target),
): Promise<void> => {
  await target.store.put(place.of(record.nonce), `${JSON.stringify(record)}\n`, {
    metadata: { contentType: 'application/json' },
  });
};

/**
 * Lists the claims of a path, or of another place. The age of a claim is the difference of two
 * times of S3: its `Last-Modified`, and that of our own claim, which we have just written. So a
 * wrong clock of a unit takes no lock away.
 */
export const lookAtClaims = async (
  target: Target,
  ours: LockRecord,
  place: ClaimPlace = lockOf(target),
): Promise<SeenClaims> => {
  const { store } = target;
  const [listed, old] = await Promise.all([
    Array.fromAsync(store.list(place.all)),
    place.old === undefined ? undefined : store.head(place.old),
  ]);
  const own = listed.find(({ key }) => key === place.of(ours.nonce));
  const now = own?.lastModified ?? new Date(NaN);
  const found = listed.filter((one) => one !== own && one.key.endsWith('.json'));
  const all = old ? [...found, old] : found;
  // Side by side, because those who work together ask often, and S3 may be far away.
  const records = await Promise.all(all.map(({ key }) => readRecord(target, key)));
  const others = all.flatMap(({ key, lastModified }, index): OtherClaim[] => {
    const record = records[index];
    if (record === 'gone') return [];
    const isOfOurUnit =
      record?.modelUuid === ours.modelUuid &&
      record.unit === ours.unit &&
      (record.host === undefined || record.host === ours.host);
    const age = now.getTime() - lastModified.getTime();
    const isOld = age > lifetimeMilliseconds;
    const isUnreadable = record === undefined && key === place.old;
    return [
      {
        key,
        ...{ nonce: record?.nonce, helps: record?.helps, progress: record?.progress },
        ...{ written: lastModified, age },
        unit: record?.unit ?? 'unknown',
        modelUuid: record?.modelUuid ?? 'unknown',
        state: record?.state ?? 'held',
        isLive: !isOfOurUnit && !isOld && !isUnreadable,
      },
    ];
  });
  return { own, others };
};

/** A claim as it was read. One of an old revision has neither a state nor a host. */
type FoundRecord = Partial<LockRecord> & Pick<LockRecord, 'modelUuid' | 'unit'>;

const readRecord = async (
  { store }: Target,
  key: string,
): Promise<FoundRecord | 'gone' | undefined> => {
  const text = await readText(store, key);
  if (text === undefined) return 'gone';
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

const isRecord = (value: unknown): value is FoundRecord => {
  if (typeof value !== 'object' || value === null) return false;
  const { modelUuid, unit, host, state, nonce, helps, progress } = value as Readonly<
    Record<string, unknown>
  >;
  return (
    typeof modelUuid === 'string' &&
    typeof unit === 'string' &&
    [host, nonce, helps].every((text) => text === undefined || typeof text === 'string') &&
    (progress === undefined || isProgress(progress)) &&
    (state === undefined || state === 'asking' || state === 'held')
  );
};

const isProgress = (value: unknown): value is HelpProgress =>
  typeof value === 'object' &&
  value !== null &&
  'objects' in value &&
  typeof value.objects === 'number' &&
  'bytes' in value &&
  typeof value.bytes === 'number';
