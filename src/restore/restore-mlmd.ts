import { join } from 'node:path';
import { findMlmdPod, type MlmdPod } from '../backup/mlmd-pod.ts';
import { stopMetadataWriter } from '../backup/stop-metadata-writer.ts';
import { countText, durationText } from '../backup/wording.ts';
import type { Restore } from './begin-restore.ts';
import { assertRestored, buildDatabase, type RowCounts } from './mlmd-database.ts';
import { openDump, type Dump } from './mlmd-dump.ts';
import { canUsePython, restoreWithPython } from './mlmd-python.ts';
import { hasSqlite3, restoreByCopy, restoreWithSqlite3 } from './mlmd-shell.ts';

export interface RestoredMlmd {
  readonly application: string;
  readonly rows: number;
  /** Where the database that was replaced is kept, in the pod. */
  readonly kept: string;
  /** `python3`, `sqlite3` or `copy`. */
  readonly way: string;
  readonly seconds: number;
}

/**
 * Restores ML Metadata while kfp-metadata-writer is stopped: into a new file on the same volume, which is checked there and takes the place of the
 * old one in one step. Undefined when it is not restored.
 */
export const restoreMlmd = async (restore: Restore): Promise<RestoredMlmd | undefined> => {
  const { world, ready, heartbeat } = restore;
  const { clock, progress } = world;
  const backup = ready.manifest.mlmd;
  const application = ready.plan.mlmd?.name;
  if (backup === undefined || application === undefined) return undefined;
  const started = clock.now().getTime();
  const elapsed = (): number => (clock.now().getTime() - started) / 1000;

  const writer = await stopMetadataWriter(restore, 'restored');
  const pod = await findMlmdPod(ready.kubernetes, application);
  const kept = `mlmd.db.before-restore-${clock.now().toISOString().slice(0, 19).replaceAll(/[T:]/g, '-')}`;
  const { way, rows } = await heartbeat.during(
    () => `${application}: restoring its database (${durationText(elapsed())})`,
    async () => {
      const dump = await openDump(ready.target.store, backup, world.signal);
      return restoreIn(restore, pod, dump, backup.rows, kept);
    },
  );
  await writer?.putBack();
  const total = Object.keys(backup.rows).reduce((sum, table) => sum + (rows[table] ?? 0), 0);
  const { folder } = pod.workload;
  await progress.note(
    `${application}: ${countText(total, 'row')} restored with ${way} after ${durationText(elapsed())}; the database that was there is kept as ${folder}/${kept}`,
  );
  return { application, rows: total, kept: `${folder}/${kept}`, way, seconds: elapsed() };
};

/** The first way that the pod allows: Python in the charm's container, `sqlite3` in the server's, or a file that we build and send there. */
const restoreIn = async (
  { world, ready, scratch }: Restore,
  { charm, workload }: MlmdPod,
  dump: Dump,
  expected: RowCounts,
  kept: string,
): Promise<{ readonly way: string; readonly rows: RowCounts }> => {
  const { kubernetes } = ready;
  const common = { kubernetes, expected, kept, signal: world.signal };
  if (charm !== undefined && (await canUsePython(kubernetes, charm, world.signal)))
    return { way: 'python3', rows: await restoreWithPython({ ...common, place: charm }, dump) };
  const restore = { ...common, place: workload };
  if (dump.kind === 'sql' && (await hasSqlite3(kubernetes, workload, world.signal)))
    return { way: 'sqlite3', rows: await restoreWithSqlite3(restore, dump) };
  const file = join(scratch, 'mlmd.db');
  const built = await buildDatabase(dump, file);
  assertRestored(built, expected);
  await restoreByCopy(restore, file);
  return { way: 'copy', rows: built.rows };
};
