import { CharmError } from '../errors.ts';
import type { Target } from '../world.ts';
import type { Backup } from './begin-backup.ts';
import { backUpDatabase, type DatabasePlan } from './databases.ts';
import { createListingDigest } from './databases/listing-digest.ts';
import type { DatabaseBackup } from './manifest.ts';

/**
 * Backs up all databases side by side. When one fails the others are no longer waited for, and its failure is the one that is
 * reported; their scales are put back once their own backups have ended.
 */
export const backUpDatabases = async (backup: Backup): Promise<DatabaseBackup[]> => {
  const { world, ready } = backup;
  const failed = new AbortController();
  const cancelled = AbortSignal.any([world.signal, failed.signal]);
  const outcomes = await Promise.allSettled(
    ready.plan.databases.map(async (plan) => {
      try {
        const made = await backUpDatabase(
          {
            juju: ready.juju,
            journal: world.journal,
            clock: world.clock,
            signal: world.signal,
            cancelled,
            heartbeat: backup.heartbeat,
            note: (message) => world.progress.note(message),
          },
          plan,
          (scale) => {
            backup.hold(scale);
          },
        );
        return { ...made, ...(await findInOurStorage(backup, plan, made.backupId)) };
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    }),
  );
  world.signal.throwIfAborted();
  failed.signal.throwIfAborted();
  return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
};

/** Where the backup lies, when it is we who gave the database its path; nothing is known of another S3 storage. */
const findInOurStorage = async (
  { ready, claim, layout }: Backup,
  { component, application, isRelated }: DatabasePlan,
  backupId: string,
): Promise<Pick<DatabaseBackup, 'path' | 'size' | 'objects' | 'digest'>> => {
  if (!isRelated) return {};
  const path = layout.databasePath(component, claim.generations[component] ?? 1);
  const measured = await measure(ready.target, `${path}/${backupId}`);
  if (measured.objects === 0) {
    throw new CharmError(
      'database-backup-failed',
      `${application.name} says that its backup ${backupId} is finished, but nothing of it lies under ${path} in bucket ${ready.target.bucket},` +
        ` where this charm told it to write. See juju show-unit ckf-backup/0 for what it was told, and juju debug-log --include ${application.name}.`,
    );
  }
  return { path, ...measured };
};

const measure = async (
  { store }: Target,
  place: string,
): Promise<{ size: number; objects: number; digest: string }> => {
  const digest = createListingDigest();
  let size = 0;
  let objects = 0;
  for await (const object of store.list(place)) {
    size += object.size;
    objects += 1;
    digest.add(object.key.slice(place.length), object);
  }
  return { size, objects, digest: digest.end() };
};
