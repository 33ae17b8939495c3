import { type BackupId, layoutOf } from './layout.ts';
import type { ClaimPlace } from './lock-claims.ts';

/**
 * The keys of what the units tell each other while they share the work on a set: a backup's, a
 * restore's or a verification's. Each time has a folder of its own, so that nothing that a frozen
 * process says late is taken for something new.
 */
export interface ShardLayout {
  /** Prefix of all of it; gone when the work is done. */
  readonly all: string;
  /** What there is to do. While it is there, units work. */
  readonly plan: string;
  /** The lines that a list has of a shard. */
  before(shard: number): string;
  /** Says that a process has taken a shard; all of them have one prefix. */
  readonly claims: string;
  claim(shard: number, nonce: string): string;
  /** The object list of a shard, as one process made it. */
  list(shard: number, nonce: string): string;
  /** The end of a shard, with its numbers; all of them have one prefix. */
  readonly dones: string;
  done(shard: number, nonce: string): string;
  /**
   * Who works, where the path has no lock for it because all of them only read. Nobody waits for
   * these claims.
   */
  readonly units: ClaimPlace;
}

/** `run` is a UUID. */
export const shardLayoutOf = (prefix: string, id: BackupId, run: string): ShardLayout => {
  const all = `${layoutOf(prefix).shards(id)}${run}/`;
  return {
    all,
    plan: `${all}plan.json`,
    before: (shard) => `${all}before/${shard}.ndjson.gz`,
    claims: `${all}claims/`,
    claim: (shard, nonce) => `${all}claims/${shard}.${nonce}`,
    list: (shard, nonce) => `${all}lists/${shard}.${nonce}.ndjson.gz`,
    dones: `${all}done/`,
    done: (shard, nonce) => `${all}done/${shard}.${nonce}`,
    units: { all: `${all}units/`, of: (nonce) => `${all}units/${nonce}.json` },
  };
};

/** Whether a key is one of `ShardLayout.units`. */
export const isUnitClaim = (key: string): boolean => /\/shards\/[^/]+\/units\/[^/]+$/.test(key);
