import { randomUUID } from 'node:crypto';
import { CharmError, hasCode, orProblem } from '../errors.ts';
import type { Clock, Target } from '../world.ts';
import { layoutOf } from './layout.ts';

/** The right to change what lies under a prefix, for one operation at a time. */
export interface Lock extends AsyncDisposable {
  /** Rejects with `backup-running` when another one has taken the lock meanwhile. */
  assertHeld(): Promise<void>;
}

interface LockOwner {
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
  /** Until when nobody else takes the lock. */
  let safe = 0;
  const write = async (
    condition: { readonly ifAbsent: true } | { readonly ifMatch: string },
  ): Promise<string> => {
    const end = clock.now().getTime() + lifetimeMilliseconds;
    const record: LockRecord = { ...owner, nonce, expires: new Date(end).toISOString() };
    const { etag: written } = await store.put(key, JSON.stringify(record), condition);
    safe = end;
    return written;
  };
  /** Of a lock that is ours although the reply to its PUT was lost. */
  const knownEtag = async (): Promise<string | undefined> => {
    const found = await store.head(key);
    return (await readLock(target, key))?.nonce === nonce ? found?.etag : undefined;
  };

  let etag = await take();
  const stop = new AbortController();
  const renewals = renew();

  async function take(): Promise<string> {
    const found = await store.head(key);
    const holder = found === undefined ? undefined : await readLock(target, key);
    if (holder !== undefined && !isOver(holder, owner, clock.now())) throw heldBy(holder, target);
    try {
      return await write(found === undefined ? { ifAbsent: true } : { ifMatch: found.etag });
    } catch (error) {
      if (!hasCode(error, 'object-exists', 'object-changed')) throw error;
      const ours = await knownEtag();
      if (ours === undefined) throw heldBy(await readLock(target, key), target, error);
      return ours;
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
      await write({ ifMatch: etag })
        .then((written) => (etag = written))
        .catch(async (error: unknown) => {
          if (hasCode(error, 'object-changed')) etag = (await knownEtag()) ?? etag;
        })
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
      const holder = await orProblem(() => readLock(target, key));
      const ours =
        holder instanceof CharmError ? clock.now().getTime() < safe : holder?.nonce === nonce;
      if (ours) await orProblem(() => store.delete([key]));
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
