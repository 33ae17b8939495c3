import type { Box } from '../sandbox/box.ts';
import type { S3RequestNote } from '../servers/s3/faults.ts';
import { claimKey, claimsIn } from './team-claims.ts';

/** What is seen of units that share work, by the keys that they write. */
const sights = {
  plan: /\/shards\/[^/]+\/plan\.json$/,
  joined: claimKey,
  claim: /\/shards\/[^/]+\/claims\/\d+\.[^/]+$/,
  list: /\/shards\/[^/]+\/lists\/\d+\.[^/]+$/,
  done: /\/shards\/[^/]+\/done\/\d+\.[^/]+$/,
  copy: /\/mlpipeline\/[^/]+\/.+$/,
  'list of the set': /\/sets\/[^/]+\/mlpipeline\.ndjson\.gz$/,
  manifest: /\/sets\/[^/]+\/manifest\.json$/,
} as const;

type Sight = keyof typeof sights;

/**
 * One kill: at the n-th request that is seen so, or after this part, from 0 to 1, of the time that
 * it usually takes.
 */
export interface TeamBlow {
  readonly signal: 'SIGKILL' | 'SIGTERM';
  readonly at: { readonly sight: Sight; readonly nth: number; readonly when: When } | number;
  /**
   * The number of a unit, or whose request it is, as far as that can be seen. With `a worker` only
   * requests of units that help are counted.
   */
  readonly victim: number | 'its owner' | 'a worker';
}

type When = 'before' | 'after';

/** How a blow met a unit. */
export interface Hit {
  readonly unit: string;
  readonly signal: TeamBlow['signal'];
  /** Whether it had a shard that it had not finished. */
  readonly wasInShard: boolean;
}

export const blowText = ({ signal, at, victim }: TeamBlow): string => {
  const when =
    typeof at === 'number'
      ? `after ${Math.round(at * 100)} % of the time`
      : `${at.when} ${at.sight} ${at.nth}`;
  return `${signal} to ${typeof victim === 'number' ? `unit ${victim}` : victim} ${when}`;
};

export const anyBlow = (random: () => number): TeamBlow => {
  const signal = random() < 1 / 6 ? 'SIGTERM' : 'SIGKILL';
  const anyUnit = Math.floor(random() * 4);
  const nth = 1 + Math.floor(random() * 3);
  const when = random() < 0.5 ? 'before' : 'after';
  const oneOf = (names: readonly Sight[]): Sight =>
    names[Math.floor(random() * names.length)] ?? 'claim';
  const place = random();
  if (place < 0.25) return { signal, at: random(), victim: anyUnit };
  if (place < 0.33) {
    const sight = oneOf(['plan', 'manifest', 'list of the set']);
    return { signal, at: { sight, nth: 1, when }, victim: 0 };
  }
  if (place < 0.43) return { signal, at: { sight: 'copy', nth: nth * 20, when }, victim: anyUnit };
  const sight = oneOf(['claim', 'claim', 'claim', 'list', 'list', 'done', 'joined']);
  return { signal, at: { sight, nth, when }, victim: place < 0.85 ? 'a worker' : 'its owner' };
};

/**
 * Strikes units of the box until it is disposed of, and adds to `hits` whom it met. `usual` is how
 * many milliseconds it takes.
 */
export const strikeTeam = (
  box: Box,
  {
    blows,
    hits,
    usual,
  }: { readonly blows: readonly TeamBlow[]; readonly hits: Hit[]; readonly usual: number },
): Disposable => {
  const strike = (unit: string, signal: TeamBlow['signal']): boolean => {
    // Nobody dies twice.
    if (hits.some((hit) => hit.unit === unit && hit.signal === 'SIGKILL')) return false;
    const wasInShard = isInShard(box, unit);
    const met = box.signal(unit, signal);
    if (met) hits.push({ unit, signal, wasInShard });
    return met;
  };
  const waiting = blows.map((blow) => ({ blow, seen: 0 }));
  box.stores.target.observer = (request, when) => {
    let answer: 'drop' | undefined;
    const sights = sightsOf(request);
    for (const wait of waiting) {
      const { at, signal, victim } = wait.blow;
      if (typeof at === 'number' || at.when !== when || !sights.includes(at.sight)) continue;
      const owner = ownerOf(box, request.key);
      if (victim === 'a worker' && (owner ?? leader) === leader) continue;
      wait.seen += 1;
      if (wait.seen !== at.nth) continue;
      const unit = typeof victim === 'number' ? nameOf(victim) : owner;
      const met = unit !== undefined && strike(unit, signal);
      if (met && unit === owner && when === 'before' && signal === 'SIGKILL') answer = 'drop';
    }
    return answer;
  };
  const timers = blows.flatMap(({ at, victim, signal }) =>
    typeof at === 'number' && typeof victim === 'number'
      ? [setTimeout(() => strike(nameOf(victim), signal), at * usual)]
      : [],
  );
  return {
    [Symbol.dispose]: () => {
      box.stores.target.observer = undefined;
      for (const timer of timers) clearTimeout(timer);
    },
  };
};

export const nameOf = (unit: number): string => `ckf-backup/${unit}`;
const leader = nameOf(0);

const sightsOf = ({ operation, key }: S3RequestNote): readonly Sight[] =>
  operation === 'PutObject'
    ? (Object.keys(sights) as Sight[]).filter((sight) => sights[sight].test(key))
    : [];

/** Whose request it is; only the leader writes what names no claim. */
const ownerOf = (box: Box, key: string): string | undefined => {
  const claims = claimsIn(box);
  const owner = claims.find(({ nonce }) => key.includes(nonce));
  if (owner !== undefined) return owner.unit;
  return sights.joined.test(key) || sights.copy.test(key) ? undefined : leader;
};

/** Whether a unit has claimed a shard that it has not said to be done. */
const isInShard = (box: Box, unit: string): boolean => {
  const { contents } = box.stores.target;
  const keys = contents.keys(box.stores.backups.bucket, `${box.prefix}/sets/`);
  const nonces = claimsIn(box)
    .filter((claim) => claim.unit === unit)
    .map(({ nonce }) => nonce);
  return keys.some(
    (key) =>
      sights.claim.test(key) &&
      nonces.some((nonce) => key.endsWith(`.${nonce}`)) &&
      !keys.includes(key.replace('/claims/', '/done/')),
  );
};
