import { statusOfBackup } from '../backup/databases/backups.ts';
import type { BackupManifest, DatabaseBackup } from '../backup/manifest.ts';
import { orProblem, CharmError } from '../errors.ts';
import type { JujuModel, World } from '../world.ts';
import type { VerifyWork } from './verification.ts';

/**
 * Asks the databases whether they list their backups as finished. What cannot be asked is no damage: a model that is being rebuilt has no databases yet, and
 * one that was restored writes to another path by now, and lists only that.
 */
export const verifyFinished = async (
  world: World,
  work: VerifyWork,
  manifest: BackupManifest,
): Promise<void> => {
  if (manifest.databases.length === 0) return;
  if (manifest.model.uuid !== world.model.uuid)
    return work.note(
      `The databases were not asked: the set was made by the model ${manifest.model.name}`,
    );
  const juju = await orProblem(() => world.openJuju());
  if (juju instanceof CharmError) return work.note(`The databases were not asked: ${juju.message}`);
  await using model = juju;
  const ask = async (database: DatabaseBackup): Promise<void> => {
    const { component, path } = database;
    const handed = await orProblem(() => world.handedPath(component));
    const current = handed instanceof CharmError ? undefined : handed;
    if (path !== current)
      return work.note(
        `${component}: not asked, because it does not write to ${path ?? 'an S3 storage of its own'} now`,
      );
    const problem = await orProblem(() => askOne(model, work, database));
    if (problem instanceof CharmError)
      await work.note(`${component}: could not be asked: ${problem.message}`);
  };
  for (const database of manifest.databases) await ask(database);
};

const askOne = async (
  juju: JujuModel,
  work: VerifyWork,
  { component, application, backupId }: DatabaseBackup,
): Promise<void> => {
  const unit = (await juju.status()).applications.get(application)?.units[0];
  if (unit === undefined)
    return work.note(`${component}: not asked, because ${application} has no unit in this model`);
  const { status, message, results } = await juju.runAction(
    unit.name,
    'list-backups',
    {},
    {
      signal: work.signal,
    },
  );
  if (status !== 'completed')
    return work.note(`${component}: ${unit.name} could not list its backups: ${message}`);
  const listed = statusOfBackup(results['backups'], backupId);
  if (listed !== 'finished')
    await work.damages.found(
      `${component}: ${application} lists its backup ${backupId} as ${listed ?? 'nothing it knows'} instead of finished`,
    );
};
