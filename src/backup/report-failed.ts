import { failedLines, ObjectsFailed } from '../components/buckets/failed-objects.ts';
import { CharmError, orProblem } from '../errors.ts';
import { excerpt } from '../text.ts';
import type { Backup } from './begin-backup.ts';

/** Runs a copy, and tells which objects failed when it fails because of them. */
export const reportingFailed = async <T>(backup: Backup, copy: () => Promise<T>): Promise<T> => {
  try {
    return await copy();
  } catch (error) {
    if (error instanceof ObjectsFailed) await reportFailed(backup, error);
    throw error;
  }
};

const mostKeysLogged = 100;

/**
 * The error's message names three keys. All of them are written to S3, or, when that fails, to the
 * action's log. A failure here must not hide the error itself.
 */
const reportFailed = async (
  { world, ready, layout, id }: Backup,
  { failed }: ObjectsFailed,
): Promise<void> => {
  const key = layout.failedObjects(id);
  const stored = await orProblem(() => ready.target.store.put(key, failedLines(failed)));
  if (!(stored instanceof CharmError))
    return world.progress.note(
      `Each object that was not copied, and why: s3://${ready.target.bucket}/${key}`,
    );
  for (const object of failed.slice(0, mostKeysLogged))
    await world.progress.note(`Not copied: ${excerpt(object.key, 200)}`);
  if (failed.length > mostKeysLogged)
    await world.progress.note(`and ${failed.length - mostKeysLogged} more objects`);
};
