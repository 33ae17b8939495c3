import { CharmError } from '../../../errors.ts';
import type { BackupId } from '../../../repository/layout.ts';
import { uploadObjectList } from '../../../repository/object-list.ts';
import { readText } from '../../../repository/read-text.ts';
import { type ShardLayout, shardLayoutOf } from '../../../repository/shard-layout.ts';
import type { Target } from '../../../world.ts';
import { seal, unseal } from './sealed.ts';
import { isShardDone, isSharePlan, type ShardDone, type SharePlan } from './shard.ts';

/** The set that is worked on, and what the leader has sent to the units. */
export interface SharedWork {
  readonly target: Target;
  readonly id: BackupId;
  /** Names this time, see `ShardLayout`; a UUID. */
  readonly run: string;
  readonly token: string;
}

export const keysOf = ({ target, id, run }: SharedWork): ShardLayout =>
  shardLayoutOf(target.prefix, id, run);

/** A process that has taken a shard. */
export interface ShardClaim {
  readonly nonce: string;
  /** When S3 says that it was taken. */
  readonly taken: Date;
}

/** How the shards stand, by their numbers. */
export interface Standing {
  readonly done: ReadonlySet<number>;
  /** The one that was first is the first. */
  readonly claims: ReadonlyMap<number, readonly ShardClaim[]>;
}

export const writePlan = async (work: SharedWork, plan: SharePlan): Promise<void> => {
  await work.target.store.put(keysOf(work).plan, seal(work.token, plan));
};

/**
 * `gone`: there is no such work under way. Rejects with `parameter-invalid` when the token is not
 * that of the leader.
 */
export const readPlan = async (work: SharedWork): Promise<SharePlan | 'gone'> => {
  const { target, id, token } = work;
  const text = await readText(target.store, keysOf(work).plan);
  if (text === undefined) return 'gone';
  const plan = unseal(token, text);
  if (isSharePlan(plan)) return plan;
  throw new CharmError(
    'parameter-invalid',
    `The token is not the one of the work on ${id}, so nothing was done. The leader runs this action on the other units while they share its work; it is not for people.`,
  );
};

export const isPlanThere = async (work: SharedWork): Promise<boolean> =>
  (await work.target.store.head(keysOf(work).plan)) !== undefined;

/** From then on no unit begins anything. */
export const removePlan = (work: SharedWork): Promise<void> =>
  work.target.store.delete([keysOf(work).plan]);

/** Removes everything that the units wrote for each other. */
export const removeShared = async (work: SharedWork): Promise<void> => {
  const { store } = work.target;
  const keys = await Array.fromAsync(store.list(keysOf(work).all), ({ key }) => key);
  if (keys.length > 0) await store.delete(keys);
};

export const standingOf = async (work: SharedWork): Promise<Standing> => {
  const { store } = work.target;
  const layout = keysOf(work);
  const [doneObjects, claimObjects] = await Promise.all([
    Array.fromAsync(store.list(layout.dones)),
    Array.fromAsync(store.list(layout.claims)),
  ]);
  const done = new Set(doneObjects.map(({ key }) => shardIn(key.slice(layout.dones.length))));
  const claims = new Map<number, ShardClaim[]>();
  for (const { key, lastModified: taken } of claimObjects) {
    const name = key.slice(layout.claims.length);
    const others = claims.get(shardIn(name)) ?? [];
    const all = [...others, { nonce: name.slice(name.indexOf('.') + 1), taken }];
    claims.set(shardIn(name), all.sort(earlierFirst));
  }
  return { done, claims };
};

export const claimShard = async (work: SharedWork, shard: number, nonce: string): Promise<void> => {
  await work.target.store.put(keysOf(work).claim(shard, nonce), '');
};

export const releaseShard = (
  work: SharedWork,
  shard: number,
  nonces: readonly string[],
): Promise<void> =>
  work.target.store.delete(nonces.map((nonce) => keysOf(work).claim(shard, nonce)));

/**
 * Keeps the list that a process made of a shard, and says last that the shard is done. Asks before
 * each of the two, because work that is over has no place for them.
 */
export const storeDone = async (
  work: SharedWork,
  made: {
    readonly shard: number;
    readonly nonce: string;
    readonly unit: string;
    readonly file?: string;
    readonly result: object;
    readonly mayGoOn: () => Promise<void>;
  },
): Promise<void> => {
  const { store } = work.target;
  const { shard, nonce, unit, file, result, mayGoOn } = made;
  await mayGoOn();
  let list: ShardDone['list'];
  if (file !== undefined) {
    const key = keysOf(work).list(shard, nonce);
    const { size, sha256 } = await uploadObjectList(store, key, file);
    list = { key, size, sha256 };
    await mayGoOn();
  }
  const done: ShardDone = { shard, unit, ...(list && { list }), result };
  await store.put(keysOf(work).done(shard, nonce), seal(work.token, done));
};

/**
 * One finished piece of work on each shard, in order. Rejects with `store-corrupt` when one has
 * none.
 */
export const readDone = async <Result extends object>(
  work: SharedWork,
  { shards }: SharePlan,
  isResult: (result: object) => result is Result,
): Promise<readonly ShardDone<Result>[]> => {
  const { store, prefix } = work.target;
  const found = new Map<number, ShardDone<Result>>();
  for await (const { key } of store.list(keysOf(work).dones)) {
    const done = unseal(work.token, (await store.read(key)).toString('utf8'));
    if (isShardDone(done) && isResult(done.result))
      found.set(done.shard, { ...done, result: done.result });
  }
  return shards.map((_, index) => {
    const done = found.get(index);
    if (done !== undefined) return done;
    throw new CharmError(
      'store-corrupt',
      `Shard ${index} of the work that the units shared is not done, or nobody of this application said so. Its result does not count. Find out who else writes below ${prefix} in ${store.description}, then run the action again.`,
    );
  });
};

const shardIn = (name: string): number => Number(/^\d+/.exec(name)?.[0] ?? NaN);

const earlierFirst = (one: ShardClaim, other: ShardClaim): number =>
  one.taken.getTime() - other.taken.getTime() || (one.nonce < other.nonce ? -1 : 1);
