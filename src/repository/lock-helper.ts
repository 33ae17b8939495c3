import { randomUUID } from 'node:crypto';
import { CharmError, orProblem } from '../errors.ts';
import type { Target, World } from '../world.ts';
import {
  type ClaimPlace,
  lifetimeMilliseconds,
  lockOf,
  lookAtClaims,
  writeLockClaim,
  type HelpProgress,
  type LockRecord,
  type OtherClaim,
  type SeenClaims,
} from './lock-claims.ts';

/** The claim of a unit that helps another one. */
export interface Help extends AsyncDisposable {
  /** The name of our claim. */
  readonly nonce: string;
  /**
   * Asks S3. Rejects with `backup-running` when the holder has ended or is dead, or when our claim
   * was taken away. Nothing may be written to the path then.
   */
  assertWanted(): Promise<void>;
  /** The processes that work for this holder and were heard of lately, by their nonces. */
  alive(): Promise<ReadonlySet<string>>;
  /** As `assertWanted`, and renews our claim, with what we have done so far. */
  renew(progress: HelpProgress): Promise<void>;
}

/**
 * Lets a unit work beside the holder of the lock of a path, or of a claim at another place. As long
 * as its claim is there, nobody else gets the lock, also when the holder died: so nobody works on
 * the path while a unit still writes for an operation that is over. To be renewed more often than
 * every five minutes, and disposed of when nothing is written any more. Rejects with
 * `backup-running` when the holder of this nonce is not there.
 */
export const helpHolder = async (
  target: Target,
  { model, unit, host }: Pick<World, 'model' | 'unit' | 'host'>,
  helps: string,
  place: ClaimPlace = lockOf(target),
): Promise<Help> => {
  const nonce = randomUUID();
  const record: LockRecord = {
    ...{ modelUuid: model.uuid, unit, host, nonce, helps },
    state: 'held',
    buried: [],
  };
  const look = async (): Promise<SeenClaims> => {
    const seen = await lookAtClaims(target, record, place);
    if (isWanted(seen, helps)) return seen;
    throw notWanted(target);
  };
  const end = async (): Promise<void> => {
    // A claim that cannot be deleted expires by itself.
    await orProblem(() => target.store.delete([place.of(nonce)]));
  };
  try {
    await writeLockClaim(target, record, place);
    await look();
  } catch (error) {
    await end();
    throw error;
  }
  return {
    nonce,
    assertWanted: async () => {
      await look();
    },
    alive: async () => {
      const { others } = await look();
      const fellows = others.filter((one) => one.nonce === helps || one.helps === helps);
      return new Set([nonce, ...aliveOf(fellows)]);
    },
    renew: async (progress) => {
      // Before it is written: a claim that somebody deleted must not come back.
      await look();
      await writeLockClaim(target, { ...record, progress }, place);
    },
    [Symbol.asyncDispose]: end,
  };
};

/**
 * The claims of the units that help a holder. `elapsed`: milliseconds since the holder's own claim
 * was written. S3 tells no other time than that, so without them nobody would become older while S3
 * refuses what is written, and the holder would wait for the dead.
 */
export const helpersOf = (
  { others }: SeenClaims,
  holder: string,
  elapsed: number,
): readonly OtherClaim[] =>
  others
    .filter(({ helps }) => helps === holder)
    .map((claim) => {
      const age = claim.age + elapsed;
      return { ...claim, age, isLive: claim.isLive && age <= lifetimeMilliseconds };
    });

/** Milliseconds. The holder renews its claim each minute, and helpers more often. */
const lease = 2 * 60_000;

/** The nonces of those that renewed their claims within a lease. */
export const aliveOf = (claims: readonly OtherClaim[]): readonly string[] =>
  claims.flatMap(({ nonce, age }) => (nonce !== undefined && age < lease ? [nonce] : []));

const isWanted = ({ own, others }: SeenClaims, helps: string): boolean =>
  own !== undefined && others.some((one) => one.nonce === helps && one.isLive);

const notWanted = ({ prefix, bucket }: Target): CharmError =>
  new CharmError(
    'backup-running',
    `What this unit helped with on the path ${prefix} in bucket ${bucket} has ended or was given up, so the unit stopped. Nothing has to be done.`,
  );
