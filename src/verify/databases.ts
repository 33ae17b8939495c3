import { createListingDigest, statusOfBackup } from '../components/databases/stored-backup.ts';
import { orProblem, CharmError } from '../errors.ts';
import type { DatabaseBackup, BackupManifest } from '../repository/manifest.ts';
import { ownLocation } from '../repository/storage-location.ts';
import type { JujuModel, World } from '../world.ts';
import { listedAsFound, createContentChecks } from './content.ts';
import type { VerifyWork } from './verification.ts';

/**
 * Checks that a database backup is where the manifest says, with as many objects and bytes, the
 * same ETags, and the `.md5` that mysql-k8s writes last. A deep verification reads the objects and
 * compares them with their own ETags, since nothing else is known about them. Two databases of a
 * set that have S3 storages of their own, and one id, may share a path there. Sets of earlier
 * revisions may be so.
 */
export const verifyDatabase = async (
  work: VerifyWork,
  database: DatabaseBackup,
  ofSet: readonly DatabaseBackup[],
): Promise<void> => {
  const { component, path, backupId: databaseBackupId, size, objects, digest } = database;
  const { store, damages, signal, archive } = work;
  if (path === undefined) {
    const twin = ofSet.find(
      (other) =>
        other.component !== component &&
        other.path === undefined &&
        mayShareStorage(other, database) &&
        other.backupId === databaseBackupId,
    );
    if (twin !== undefined)
      await damages.found(
        `${component}: its backup has the same id as that of ${twin.component}, ${databaseBackupId}, so a restore could bring the rows of the other`,
      );
    await work.note(
      `${component}: its backup ${databaseBackupId} lies in an S3 storage of its own, which was not looked at: ${ownLocation(database)}`,
    );
    return;
  }
  const place = `${path}/${databaseBackupId}`;
  const checks = createContentChecks(work, damages, work.width);
  const listing = createListingDigest();
  const found = { objects: 0, bytes: 0, data: 0, isFinished: false };
  try {
    for await (const object of store.list(place)) {
      signal.throwIfAborted();
      const name = object.key.slice(place.length);
      found.objects += 1;
      listing.add(name, object);
      found.bytes += object.size;
      if (name === '.md5') found.isFinished = true;
      if (name.startsWith('/')) found.data += 1;
      work.count({ objects: 1 });
      await archive.pass(object, async () => {
        if (!work.deep) return;
        await checks.read(object, listedAsFound(object), `${component}: ${object.key}`);
        work.count({ bytes: object.size });
      });
    }
    await archive.idle();
  } finally {
    await checks.end();
  }
  work.count({ proven: checks.proven, unproven: checks.unproven });
  if (found.objects === 0)
    return damages.found(
      `${component}: nothing of its backup ${databaseBackupId} is left under ${path}`,
      'missing',
    );
  if (!found.isFinished)
    await damages.found(
      `${component}: ${place}.md5 is missing, without which it is not restored`,
      'missing',
    );
  if (found.data === 0)
    await damages.found(`${component}: there are no data under ${place}/`, 'missing');
  const isAsMany = objects === undefined || found.objects === objects;
  const isAsLarge = size === undefined || found.bytes === size;
  if (!isAsMany)
    await damages.found(
      `${component}: there are ${found.objects} objects under ${place} instead of ${objects}`,
      found.objects < objects ? 'missing' : 'damaged',
    );
  if (!isAsLarge)
    await damages.found(
      `${component}: there are ${found.bytes} bytes under ${place} instead of ${size}`,
    );
  if (isAsMany && isAsLarge && digest !== undefined && listing.end() !== digest)
    await damages.found(`${component}: objects under ${place} were replaced by others`);
};

/** Whether nobody knows that the two lie in different places. */
const mayShareStorage = (one: DatabaseBackup, other: DatabaseBackup): boolean =>
  one.location === undefined ||
  other.location === undefined ||
  ownLocation(one) === ownLocation(other);

/**
 * Asks the databases whether they list their backups as finished. When a database cannot be asked,
 * that is not damage: a model that is being rebuilt has no databases yet, and a database that was
 * restored lists only what is at its new path.
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
  { component, application, backupId: databaseBackupId }: DatabaseBackup,
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
  const listed = statusOfBackup(results['backups'], databaseBackupId);
  if (listed !== 'finished')
    await work.damages.found(
      `${component}: ${application} lists its backup ${databaseBackupId} as ${listed ?? 'nothing it knows'} instead of finished`,
    );
};
