import { CharmError } from '../../../errors.ts';
import { type BackupId, layoutOf } from '../../../repository/layout.ts';
import { uploadObjectList } from '../../../repository/object-list.ts';
import { readText } from '../../../repository/read-text.ts';
import type { Target } from '../../../world.ts';
import { seal, unseal } from './sealed.ts';
import {
  isShardCopy,
  isSharePlan,
  type ShardCopy,
  type ShardPass,
  type SharePlan,
} from './shard.ts';

/** The backup whose copy is shared, and the token that its leader has sent to the units. */
export interface SharedWork {
  readonly target: Target;
  readonly id: BackupId;
  readonly token: string;
}

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
  await work.target.store.put(keysOf(work).shardPlan(work.id), seal(work.token, plan));
};

/**
 * `gone`: there is no such copy under way. Rejects with `parameter-invalid` when the token is not
 * that of the leader.
 */
export const readPlan = async (work: SharedWork): Promise<SharePlan | 'gone'> => {
  const { target, id, token } = work;
  const text = await readText(target.store, keysOf(work).shardPlan(id));
  if (text === undefined) return 'gone';
  const plan = unseal(token, text);
  if (isSharePlan(plan)) return plan;
  throw new CharmError(
    'parameter-invalid',
    `The token is not the one of the backup ${id}, so nothing was done. The leader runs this action on the other units while it makes a backup; it is not for people.`,
  );
};

export const isPlanThere = async (work: SharedWork): Promise<boolean> =>
  (await work.target.store.head(keysOf(work).shardPlan(work.id))) !== undefined;

/** From then on no unit begins anything. */
export const removePlan = (work: SharedWork): Promise<void> =>
  work.target.store.delete([keysOf(work).shardPlan(work.id)]);

/** Removes everything that the units wrote for each other. */
export const removeShared = async ({
  target: { store, prefix },
  id,
}: SharedWork): Promise<void> => {
  const keys = await Array.fromAsync(store.list(layoutOf(prefix).shards(id)), ({ key }) => key);
  if (keys.length > 0) await store.delete(keys);
};

export const standingOf = async (work: SharedWork): Promise<Standing> => {
  const { store } = work.target;
  const layout = keysOf(work);
  const done = new Set<number>();
  for await (const { key } of store.list(layout.shardsDone(work.id)))
    done.add(shardIn(key.slice(layout.shardsDone(work.id).length)));
  const claims = new Map<number, ShardClaim[]>();
  for await (const { key, lastModified: taken } of store.list(layout.shardClaims(work.id))) {
    const name = key.slice(layout.shardClaims(work.id).length);
    const others = claims.get(shardIn(name)) ?? [];
    const all = [...others, { nonce: name.slice(name.indexOf('.') + 1), taken }];
    claims.set(shardIn(name), all.sort(earlierFirst));
  }
  return { done, claims };
};

export const claimShard = async (work: SharedWork, shard: number, nonce: string): Promise<void> => {
  await work.target.store.put(keysOf(work).shardClaim(work.id, shard, nonce), '');
};

export const releaseShard = (
  work: SharedWork,
  shard: number,
  nonces: readonly string[],
): Promise<void> =>
  work.target.store.delete(nonces.map((nonce) => keysOf(work).shardClaim(work.id, shard, nonce)));

/**
 * Keeps the list that a process made of a shard, and says last that the shard is done. Asks before
 * each of the two, because a backup that is over has no place for them.
 */
export const storeCopy = async (
  work: SharedWork,
  made: {
    readonly shard: number;
    readonly nonce: string;
    readonly unit: string;
    readonly file: string;
    readonly pass: ShardPass;
    readonly mayWrite: () => Promise<void>;
  },
): Promise<void> => {
  const { store } = work.target;
  const { shard, nonce, unit, file, pass, mayWrite } = made;
  await mayWrite();
  const key = keysOf(work).shardList(work.id, shard, nonce);
  const { size, sha256 } = await uploadObjectList(store, key, file);
  const copy: ShardCopy = { shard, unit, list: { key, size, sha256 }, pass };
  await mayWrite();
  await store.put(keysOf(work).shardDone(work.id, shard, nonce), seal(work.token, copy));
};

/** One finished copy of each shard, in order. Rejects with `store-corrupt` when one has none. */
export const readCopies = async (
  work: SharedWork,
  { shards }: SharePlan,
): Promise<readonly ShardCopy[]> => {
  const { store } = work.target;
  const copies = new Map<number, ShardCopy>();
  for await (const { key } of store.list(keysOf(work).shardsDone(work.id))) {
    const copy = unseal(work.token, (await store.read(key)).toString('utf8'));
    if (isShardCopy(copy)) copies.set(copy.shard, copy);
  }
  return shards.map((_, index) => {
    const copy = copies.get(index);
    if (copy !== undefined) return copy;
    throw new CharmError(
      'store-corrupt',
      `Shard ${index} of the copy was said to be done, and nobody of this application said so. There is no set. Find out who else writes below ${work.target.prefix} in ${store.description}, then run the backup again.`,
    );
  });
};

const keysOf = ({ target }: SharedWork) => layoutOf(target.prefix);

const shardIn = (name: string): number => Number(/^\d+/.exec(name)?.[0] ?? NaN);

const earlierFirst = (one: ShardClaim, other: ShardClaim): number =>
  one.taken.getTime() - other.taken.getTime() || (one.nonce < other.nonce ? -1 : 1);
