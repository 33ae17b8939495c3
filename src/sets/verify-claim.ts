import { readClaim } from '../backup/claim.ts';
import { CharmError, orProblem } from '../errors.ts';
import type { Target } from '../world.ts';
import type { VerifyWork } from './verification.ts';

/** Looks whether the claim of the path can be read, without which nothing is restored. That there is none is no damage: a restore makes one. */
export const verifyClaim = async (work: VerifyWork, target: Target): Promise<void> => {
  const { damages, layout } = work;
  const found = await orProblem(() => readClaim(target));
  if (found === undefined)
    await work.note(
      `${layout.claim} is missing, so nothing keeps another model from using the path. The next backup writes it anew.`,
    );
  if (!(found instanceof CharmError)) return;
  if (found.code !== 'prefix-claimed') throw found;
  await damages.found(found.message);
};
