import { CharmError, orProblem } from '../errors.ts';
import type { JujuModel, World } from '../world.ts';

/**
 * Runs what changes the model. When it fails while our own application is being removed, that is
 * the reason, and the error says so: the databases lose their S3 with our relations, so whatever
 * failed follows from that. Juju lets a running action end before it removes the unit.
 */
export const unlessRemoved = async <T>(
  { application }: Pick<World, 'application'>,
  juju: Pick<JujuModel, 'status'>,
  work: () => Promise<T>,
): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CharmError)) throw error;
    const model = await orProblem(() => juju.status());
    if (model instanceof CharmError) throw error;
    const ours = model.applications.get(application);
    if (ours === undefined || ours.life === 'alive') throw error;
    throw new CharmError(
      'interrupted',
      `${application} is being removed from the model, and its relations go with it, so the work could not be finished. What had been changed is put back.` +
        ` Backups in S3 stay. To go on, deploy it again. It failed with: ${error.message}`,
      { cause: error, results: error.results },
    );
  }
};
