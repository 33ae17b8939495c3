import { CharmError, orProblem } from '../errors.ts';
import { keepProof } from '../repository/proofs.ts';
import { sizeText, secondText } from '../text.ts';
import { damagesText, type Verification } from '../verify/verification.ts';
import { verifySet } from '../verify/verify-set.ts';
import type { Target, World } from '../world.ts';
import { type Action, asOfParameter, backupIdParameter } from './action.ts';
import { noteNewestSet } from './newest-set.ts';

/**
 * Checks whether a set can be restored. Fails with `set-damaged` when it cannot, and names what is
 * missing or damaged; the results say how much of it there is. Fails with `object-archived` when
 * objects were to be read or thawed that cannot be read now.
 */
export const verifyBackup: Action = async (world, config, parameters) => {
  const id = backupIdParameter(world, 'backup-id', parameters['backup-id']);
  const target = await world.openTarget();
  await using _store = target.store;
  const asOf = asOfParameter(world, parameters);
  const started = world.clock.now().getTime();
  const verification = await verifySet(world, config, target, {
    id,
    deep: parameters['deep'] === true,
    allowUnsigned: parameters['allow-unsigned'] === true,
    thaw: parameters['thaw'] === true,
    asOf,
  });
  const { archived, damages, deep } = verification;
  if (archived && damages === 0) {
    if (deep || parameters['thaw'] === true) throw archived;
    await world.progress.note(`Warning: ${archived.message}`);
  }
  // What a set was proves nothing of what it is.
  if (asOf === undefined) {
    await keep(world, target, verification, (world.clock.now().getTime() - started) / 1000);
    await remember(world, target, verification);
  }
  if (damages > 0) throw damaged(verification);
  return resultsOf(verification);
};

/** What was found, whether the set is intact or not. */
const resultsOf = (verification: Verification): Readonly<Record<string, string>> => {
  const { id, deep, objects, bytes, proven, unproven, damages, missing, first, frozen } =
    verification;
  return {
    'backup-id': id,
    result: damages === 0 ? 'intact' : 'damaged',
    deep: String(deep),
    objects: String(objects),
    ...(frozen > 0 && { archived: String(frozen) }),
    ...(deep && { read: sizeText(bytes), proven: String(proven), unproven: String(unproven) }),
    ...(damages > 0 && {
      missing: String(missing),
      damaged: String(damages - missing),
      problems: first.join('\n'),
    }),
  };
};

/**
 * Kept next to the set for all models that read the path. Keys that may only read cannot write it,
 * which does not matter here.
 */
const keep = async (
  { clock, progress }: Pick<World, 'clock' | 'progress'>,
  target: Target,
  { id, deep, damages, bytes }: Verification,
  seconds: number,
): Promise<void> => {
  const kept = await orProblem(() =>
    keepProof(target, id, {
      ...{ kind: deep ? 'deep' : 'verify', intact: damages === 0, seconds, bytes },
      at: secondText(clock.now()),
    }),
  );
  if (kept instanceof CharmError)
    await progress.note(`That it was verified could not be noted next to the set: ${kept.message}`);
};

/**
 * Notes the result for the status, which shows only the last backup. A failure here must not hide
 * the result.
 */
const remember = async (
  { clock, journal }: Pick<World, 'clock' | 'journal'>,
  target: Target,
  { id, damages }: Verification,
): Promise<void> => {
  await orProblem(async () => {
    await noteNewestSet(journal, target);
    const last = await journal.lastBackup();
    if (last?.id === id)
      await journal.setLastBackup({
        ...last,
        verified: damages === 0 ? 'intact' : 'damaged',
        verifiedAt: secondText(clock.now()),
      });
  });
};

const damaged = (verification: Verification): CharmError => {
  const { id, damages: count, first } = verification;
  return new CharmError(
    'set-damaged',
    `The backup ${id} is damaged ${damagesText({ first, count })}. Nothing was changed. Make a new backup now, and restore from another one if you have to.`,
    { results: resultsOf(verification) },
  );
};
