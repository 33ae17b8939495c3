import { randomUUID } from 'node:crypto';
import { CharmError, hasCode, orProblem } from '../errors.ts';
import type { Target, World } from '../world.ts';
import {
  type ClaimPlace,
  type LockRecord,
  lookAtClaims,
  type OtherClaim,
  type SeenClaims,
  writeLockClaim,
} from './lock-claims.ts';
import { helpersOf } from './lock-helper.ts';

/** The claim of a process that others help. The holder of a lock has one too: see `Lock`. */
export interface Lead {
  /** The name of our claim. */
  readonly nonce: string;
  /**
   * The claims of the units that help us, as S3 has them now. Rejects with `backup-running` when
   * our own is gone, for then nobody can tell how old they are.
   */
  helpers(): Promise<readonly OtherClaim[]>;
  /** Asks S3. Rejects with `backup-running` when our claim is gone. */
  assertHeld(): Promise<void>;
}

const renewal = 60_000;

/**
 * Lets others help with what only reads, and so needs no lock. The claim is renewed until it is
 * disposed of.
 */
export const takeLead = async (
  target: Target,
  { clock, model, unit, host }: Pick<World, 'clock' | 'model' | 'unit' | 'host'>,
  place: ClaimPlace,
): Promise<Lead & AsyncDisposable> => {
  const nonce = randomUUID();
  const record: LockRecord = {
    ...{ modelUuid: model.uuid, unit, host, nonce },
    state: 'held',
    buried: [],
  };
  let written = clock.now().getTime();
  await writeLockClaim(target, record, place);
  const stop = new AbortController();
  const look = async (): Promise<SeenClaims> => {
    const seen = await lookAtClaims(target, record, place);
    if (seen.own === undefined) throw gone(target, place);
    return seen;
  };
  const assertHeld = async (): Promise<void> => {
    await look();
  };
  const renew = async (): Promise<void> => {
    for (;;) {
      try {
        await clock.sleep(renewal, stop.signal);
      } catch {
        return;
      }
      // A claim that somebody deleted must not come back. Another failure may pass.
      const problem = await orProblem(async () => {
        await assertHeld();
        const now = clock.now().getTime();
        await writeLockClaim(target, record, place);
        written = now;
      });
      if (hasCode(problem, 'backup-running')) return;
    }
  };
  const renewing = renew();
  return {
    nonce,
    helpers: async () => helpersOf(await look(), nonce, clock.now().getTime() - written),
    assertHeld,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await renewing;
      // A claim that cannot be deleted expires by itself.
      await orProblem(() => target.store.delete([place.of(nonce)]));
    },
  };
};

const gone = ({ bucket }: Target, { all }: ClaimPlace): CharmError =>
  new CharmError(
    'backup-running',
    `Somebody deleted ${all} in bucket ${bucket}, by which this unit and those that helped it knew of each other, so it stopped. Nothing was changed. Run the action again.`,
  );
