import { CharmError } from '../errors.ts';
import type { Target, World } from '../world.ts';
import { layoutOf, neverASet } from './layout.ts';

/**
 * The target as it was at a time, for reading sets that were overwritten or deleted since; the
 * target itself without a time. Rejects with `parameter-invalid` when its bucket keeps no versions:
 * what was overwritten there is gone.
 */
export const targetAsOf = async (
  { progress }: Pick<World, 'progress'>,
  target: Target,
  time: Date | undefined,
): Promise<Target> => {
  if (time === undefined) return target;
  const { store, prefix, bucket } = target;
  const { versioning } = await store.protection(layoutOf(prefix).manifest(neverASet));
  if (versioning === 'off')
    throw new CharmError(
      'parameter-invalid',
      `The bucket ${bucket} keeps no versions, so what was there at ${time.toISOString()} is not known: leave as-of out. For the future see how-to/ransomware in the documentation.`,
    );
  await progress.note(`The set is read as it was at ${time.toISOString()}`);
  return { ...target, store: store.asOf(time) };
};
