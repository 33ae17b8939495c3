import { randomUUID } from 'node:crypto';
import { CharmError, hasCode, orProblem } from '../errors.ts';
import type { Clock, Target } from '../world.ts';
import { layoutOf } from './layout.ts';

/** The right to change what lies under a prefix, for one operation at a time. */
export interface Lock extends AsyncDisposable {
  /** Rejects with `backup-running` when another one has taken the lock meanwhile. */
  assertHeld(): Promise<void>;
}

export interface LockOwner {
  readonly modelUuid: string;
  readonly unit: string;
}

interface LockRecord extends LockOwner {
  readonly nonce: string;
  /** ISO 8601. A lock that was not renewed by then has a dead holder. */
  readonly expires: string;
}

const lifetimeMilliseconds = 5 * 60_000;
const renewalMilliseconds = 60_000;

/**
 * Takes the lock of a prefix and renews it until it is disposed of. A lock that expired is taken over, and so is one of our own unit:
 * Juju runs one operation at a time on a unit, so its holder is dead. Otherwise rejects with `backup-running`.
 */
export const takeLock = async (target: Target, clock: Clock, owner: LockOwner): Promise<Lock> => {
  const { store } = target;
  const key = layoutOf(target.prefix).lock;
  const nonce = randomUUID();
  const record = (): string =>
    JSON.stringify({
      ...owner,
      nonce,
      expires: new Date(clock.now().getTime() + lifetimeMilliseconds).toISOString(),
    } satisfies LockRecord);

  let etag = await take();
  const stop = new AbortController();
  const renewals = renew();

  async function take(): Promise<string> {
    const found = await store.head(key);
    const holder = found === undefined ? undefined : await readLock(target, key);
    if (holder !== undefined && !isOver(holder, owner, clock.now())) throw heldBy(holder, target);
    try {
      const condition = found === undefined ? { ifAbsent: true } : { ifMatch: found.etag };
      return (await store.put(key, record(), condition)).etag;
    } catch (error) {
      if (!hasCode(error, 'object-exists', 'object-changed')) throw error;
      // A PUT whose reply was lost and that was sent again finds its own object.
      const winner = await readLock(target, key);
      const ours = winner?.nonce === nonce ? await store.head(key) : undefined;
      if (ours === undefined) throw heldBy(winner, target, error);
      return ours.etag;
    }
  }

  async function renew(): Promise<void> {
    for (;;) {
      try {
        await clock.sleep(renewalMilliseconds, stop.signal);
      } catch {
        return;
      }
      // A renewal that fails is tried again in a minute; whether the lock was lost is asked before the commit.
      await store
        .put(key, record(), { ifMatch: etag })
        .then((stored) => (etag = stored.etag))
        .catch(() => undefined);
    }
  }

  return {
    assertHeld: async () => {
      const holder = await readLock(target, key);
      if (holder?.nonce !== nonce) throw heldBy(holder, target);
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await renewals;
      // A lock that cannot be given back expires.
      await orProblem(async () => {
        const holder = await readLock(target, key);
        if (holder?.nonce === nonce) await store.delete([key]);
      });
    },
  };
};

const isOver = (holder: LockRecord, owner: LockOwner, now: Date): boolean =>
  (holder.modelUuid === owner.modelUuid && holder.unit === owner.unit) ||
  !(Date.parse(holder.expires) > now.getTime());

const readLock = async (target: Target, key: string): Promise<LockRecord | undefined> => {
  let text: string;
  try {
    text = (await target.store.read(key)).toString('utf8');
  } catch (error) {
    if (hasCode(error, 'object-missing')) return undefined;
    throw error;
  }
  // A lock that cannot be read has no holder that would renew it.
  try {
    const value: unknown = JSON.parse(text);
    return isLockRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const isLockRecord = (value: unknown): value is LockRecord =>
  typeof value === 'object' &&
  value !== null &&
  ['modelUuid', 'unit', 'nonce', 'expires'].every(
    (name) => typeof (value as Record<string, unknown>)[name] === 'string',
  );

const heldBy = (
  holder: LockRecord | undefined,
  { prefix, bucket }: Target,
  cause?: unknown,
): CharmError =>
  new CharmError(
    'backup-running',
    `Another operation works on the path ${prefix} in bucket ${bucket}` +
      (holder === undefined
        ? '.'
        : `: unit ${holder.unit} of model ${holder.modelUuid}, whose lock expires at ${holder.expires}.`) +
      ' Nothing was changed. Wait for it to end, then run the action again.',
    { cause },
  );
