import { createListingDigest } from '../backup/databases/listing-digest.ts';
import type { DatabaseBackup } from '../backup/manifest.ts';
import { listedAsFound } from './check-content.ts';
import { createContentChecks } from './content-checks.ts';
import type { VerifyWork } from './verification.ts';

/**
 * Looks whether a database backup lies where the manifest says, in as many objects and bytes and with the same ETags, with the `.md5` that
 * mysql-k8s writes last. A deep verification reads the objects and compares them with their own ETags, since nothing else is known of them.
 */
export const verifyDatabase = async (
  work: VerifyWork,
  { component, path, backupId, size, objects, digest }: DatabaseBackup,
): Promise<void> => {
  const { store, damages, signal } = work;
  if (path === undefined) {
    await work.note(
      `${component}: its backup ${backupId} lies in an S3 storage of its own, which was not looked at`,
    );
    return;
  }
  const place = `${path}/${backupId}`;
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
      if (!work.deep) continue;
      await checks.read(object, listedAsFound(object), `${component}: ${object.key}`);
      work.count({ bytes: object.size });
    }
  } finally {
    await checks.end();
  }
  work.count({ proven: checks.proven, unproven: checks.unproven });
  if (found.objects === 0)
    return damages.found(
      `${component}: nothing of its backup ${backupId} is left under ${path}`,
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
