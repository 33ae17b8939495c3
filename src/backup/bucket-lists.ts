import { join } from 'node:path';
import { CharmError, orProblem } from '../errors.ts';
import { downloadObjectList } from '../repository/checked-list.ts';
import type { BucketBackup } from '../repository/manifest.ts';
import { uploadObjectList } from '../repository/object-list.ts';
import type { Backup } from './begin-backup.ts';
import type { BucketToCut } from './cut-buckets.ts';

/** The passes over a bucket. The list of the second one becomes the set's. */
export type Pass = 'pre-copy' | 'changes';

/** The object list of a pass, or of the newest set before, on our own disk. */
export const listFile = ({ scratch }: Backup, bucket: string, pass: Pass | 'last'): string =>
  join(scratch, `${bucket}.${pass}.ndjson.gz`);

/**
 * The list of the newest set that has the bucket, as a file. It only makes the copy quicker:
 * without it every object is compared with the mirror.
 */
export const lastList = async (
  backup: Backup,
  part: BucketBackup | undefined,
): Promise<(NonNullable<BucketToCut['last']> & { readonly written: Date }) | undefined> => {
  if (part === undefined) return undefined;
  const file = listFile(backup, part.bucket, 'last');
  const written = await orProblem(() =>
    downloadObjectList(backup.ready.target.store, part.list, file),
  );
  if (!(written instanceof CharmError)) return { part, file, written };
  if (written.code === 'disk-full') throw written;
  await backup.world.progress.note(
    `The object list of the last backup of ${part.bucket} cannot be used, so all of the bucket is compared with its mirror. ${written.message} [${written.code}]`,
  );
  return undefined;
};

/** Sends the list of the second pass to S3. Rejects when another operation has taken the path. */
export const uploadList = async (backup: Backup, bucket: string): Promise<BucketBackup['list']> => {
  const key = backup.layout.objectList(backup.id, bucket);
  await backup.assertOurs();
  backup.removeUnlessCommitted(key);
  const { size, sha256 } = await uploadObjectList(
    backup.ready.target.store,
    key,
    listFile(backup, bucket, 'changes'),
  );
  return { key, size, sha256 };
};
