import { ratesOf, restoreTime } from '../assurance/restore-time.ts';
import { CharmError, orProblem } from '../errors.ts';
import { findWorkloadsSince } from '../operation/running-workloads.ts';
import { setPage } from '../pages/set-page.ts';
import type { BackupManifest } from '../repository/manifest.ts';
import { signManifest } from '../repository/signature.ts';
import { writeManifest } from '../repository/stored-manifest.ts';
import { listText, sum } from '../text.ts';
import type { Backup } from './begin-backup.ts';

/**
 * Looks once more for workloads that ran while the backup was made, and writes the manifest: the
 * last object, which makes the set a backup. From then on the set stays, whatever happens.
 * `written` names the buckets that were written to meanwhile.
 */
export const commitSet = async (
  backup: Backup,
  parts: Pick<BackupManifest, 'databases' | 'mlmd' | 'buckets'>,
  written: readonly string[],
): Promise<BackupManifest> => {
  const { world, ready, config, id, layout, started } = backup;
  const seen = await findWorkloadsSince(ready.kubernetes, ready.looked);
  const running = [...new Set([...ready.running, ...seen, ...written])];
  if (running.length > 0) {
    await world.progress.note(
      `The set will say consistent: false, because something wrote while it was made: ${listText(running, 10, 1000)}`,
    );
  }
  const unsigned: BackupManifest = {
    format: 1,
    id,
    model: world.model,
    started: started.toISOString(),
    finished: world.clock.now().toISOString(),
    consistent: running.length === 0,
    running,
    components: config.components,
    server: ready.server,
    ...parts,
    timeline: backup.timeline.chapters(),
  };
  const manifest = signManifest(unsigned, ready.signing);
  world.signal.throwIfAborted();
  await backup.assertOurs();
  backup.committing();
  await writeManifest(ready.target.store, layout.manifest(id), manifest).catch((error: unknown) => {
    throw notKnown(error, id);
  });
  backup.committed();
  const size = sizeOf(manifest);
  // Only the status needs this, so a failure does not matter: the set is complete.
  const noted = await orProblem(async () => {
    const restoreSeconds =
      restoreSecondsOf(manifest) ?? (await world.journal.lastBackup())?.restoreSeconds;
    await world.journal.setLastBackup({
      ...{ id, bytes: size, consistent: manifest.consistent },
      ...(restoreSeconds !== undefined && { restoreSeconds }),
    });
  });
  if (noted instanceof CharmError) await world.progress.note(`For the status: ${noted.message}`);
  await storePage(backup, manifest);
  return manifest;
};

/**
 * By this set's own rates, because hooks do not look for those of others. Undefined when it copied
 * too little to tell; it then takes about as long as the one before.
 */
const restoreSecondsOf = (manifest: BackupManifest): number | undefined => {
  const { seconds } = restoreTime(manifest, [], ratesOf([manifest]));
  return seconds === undefined ? undefined : Math.round(seconds);
};

/** The set is complete, and without its page too. */
const storePage = async (
  { world, ready: { target }, layout }: Backup,
  manifest: BackupManifest,
): Promise<void> => {
  const stored = await orProblem(() =>
    target.store.put(layout.setPage(manifest.id), setPage(target, manifest), {
      metadata: { contentType: 'text/html; charset=utf-8' },
    }),
  );
  if (stored instanceof CharmError)
    await world.progress.note(
      `The page of the backup ${manifest.id} could not be stored: ${stored.message}`,
    );
};

const notKnown = (error: unknown, id: string): unknown =>
  error instanceof CharmError
    ? new CharmError(
        error.code,
        `It is not known whether the manifest of the backup ${id} was stored, so nothing of it was taken away: list-backups shows it when it was, and then it is` +
          ` complete; else the next backup removes what is left. ${error.message}`,
        { cause: error },
      )
    : error;

const sizeOf = ({ databases, mlmd, buckets }: BackupManifest): number =>
  sum([
    ...databases.map(({ size }) => size ?? 0),
    mlmd?.size ?? 0,
    ...buckets.map(({ size }) => size),
  ]);
