import { hasCode } from '../errors.ts';
import type { StoredObject, Target } from '../world.ts';
import { layoutOf } from './layout.ts';

/** Who wants to work on a prefix. */
export interface LockOwner {
  readonly modelUuid: string;
  readonly unit: string;
  /** Which boot of which machine; a pod that was moved to another node has another one. */
  readonly host: string;
}

/** What lies in `locks/<nonce>.json`. */
export interface LockRecord extends LockOwner {
  readonly nonce: string;
  /** `asking`: its writer has not looked yet whether somebody else is there. */
  readonly state: 'asking' | 'held';
  /**
   * Claims that were dead when this one took over. They do not count, even if their writers wake
   * up.
   */
  readonly buried: readonly string[];
}

/** A claim of somebody else. */
export interface OtherClaim {
  readonly key: string;
  /** When S3 says that it was written. */
  readonly written: Date;
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

/** A claim that was not written again for so long has a dead writer. */
export const lifetimeMilliseconds = 5 * 60_000;

export const writeLockClaim = async (target: Target, record: LockRecord): Promise<void> => {
  const key = layoutOf(target.prefix).lockClaim(record.nonce);
  await target.store.put(key, `${JSON.stringify(record)}\n`, {
    metadata: { contentType: 'application/json' },
  });
};

/**
 * Lists the claims of a prefix. How old a claim is follows from S3's own time alone: from its
 * `Last-Modified` and that of our claim, which we have just written. So a clock that is wrong, here
 * or there, takes no lock away from anybody.
 */
export const lookAtClaims = async (target: Target, ours: LockRecord): Promise<SeenClaims> => {
  const { store, prefix } = target;
  const layout = layoutOf(prefix);
  const listed = await Array.fromAsync(store.list(layout.locks));
  const own = listed.find(({ key }) => key === layout.lockClaim(ours.nonce));
  const now = own?.lastModified ?? new Date(NaN);
  const found = listed.filter((one) => one !== own && one.key.endsWith('.json'));
  // Revisions before 2.0 have one lock for all.
  const old = await store.head(layout.oldLock);
  const others: OtherClaim[] = [];
  for (const object of old ? [...found, old] : found) {
    const record = await readRecord(target, object.key);
    if (record === 'gone') continue;
    const { key, lastModified } = object;
    const isOfOurUnit =
      record?.modelUuid === ours.modelUuid &&
      record.unit === ours.unit &&
      (record.host === undefined || record.host === ours.host);
    const isOld = now.getTime() - lastModified.getTime() > lifetimeMilliseconds;
    const isUnreadable = record === undefined && key === layout.oldLock;
    others.push({
      key,
      written: lastModified,
      unit: record?.unit ?? 'unknown',
      modelUuid: record?.modelUuid ?? 'unknown',
      state: record?.state ?? 'held',
      isLive: !isOfOurUnit && !isOld && !isUnreadable,
    });
  }
  return { own, others };
};

/** What is known of a claim; one of an old revision has neither a state nor a host. */
type FoundRecord = Partial<LockRecord> & Pick<LockRecord, 'modelUuid' | 'unit'>;

const readRecord = async (
  { store }: Target,
  key: string,
): Promise<FoundRecord | 'gone' | undefined> => {
  try {
    const value: unknown = JSON.parse((await store.read(key)).toString('utf8'));
    return isRecord(value) ? value : undefined;
  } catch (error) {
    if (hasCode(error, 'object-missing')) return 'gone';
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

const isRecord = (value: unknown): value is FoundRecord => {
  if (typeof value !== 'object' || value === null) return false;
  const { modelUuid, unit, host, state } = value as Readonly<Record<string, unknown>>;
  return (
    typeof modelUuid === 'string' &&
    typeof unit === 'string' &&
    (host === undefined || typeof host === 'string') &&
    (state === undefined || state === 'asking' || state === 'held')
  );
};
