import { differenceOf, type Difference } from '../components/buckets/difference.ts';
import { openStoredSet } from '../components/buckets/stored-set.ts';
import { countText, sizeText, sum } from '../text.ts';
import type { RestoredBucket } from './buckets.ts';
import type { RestoredDatabase } from './databases.ts';
import type { RestoredMlmd } from './mlmd.ts';
import type { ReadyRestore } from './preflight.ts';
import type { RestoreRequest } from './set.ts';

/** What a restore did, in the order in which it did it. */
export interface RestoreReport {
  readonly components: readonly string[];
  readonly buckets: readonly RestoredBucket[];
  readonly mlmd: RestoredMlmd | undefined;
  readonly databases: readonly RestoredDatabase[];
}

/** What a restore would do, a line for each thing, after looking through the buckets. */
export const planText = async (
  { stored, layout, sources, manifest, plan }: ReadyRestore,
  { deleteExtra }: RestoreRequest,
): Promise<string[]> => {
  const lines: string[] = [];
  for (const source of sources) {
    const { bucket, backup } = source;
    const set = openStoredSet(stored.store, layout, backup);
    const difference = await differenceOf(set.list(), source, (key) => {
      set.forget(key);
    });
    const from = backup.bucket === bucket ? '' : ` (${backup.bucket} of the set)`;
    lines.push(`bucket ${bucket}${from}: ${differenceText(difference, deleteExtra)}`);
  }
  if (plan.mlmd !== undefined && manifest.mlmd !== undefined) {
    const rows = sum(Object.values(manifest.mlmd.rows));
    lines.push(
      `${plan.mlmd.name}: its database would be replaced by one of ${countText(rows, 'row')}, and kept next to it` +
        (plan.metadataWriter === undefined
          ? ''
          : `, while ${plan.metadataWriter.name} is scaled from ${plan.metadataWriter.scale} to 0`),
    );
  }
  for (const { application, backup, isVisible, isRelated } of plan.databases) {
    const { name, scale } = application;
    lines.push(
      `${name}: its data would be replaced by its backup ${backup.backupId}` +
        (isVisible
          ? ''
          : `, which would first be copied from ${backup.path ?? ''} to where it looks`) +
        (scale === 1 ? '' : `, while it is scaled from ${scale} to 1`) +
        (isRelated ? '; it would move to a new path in S3' : ''),
    );
  }
  return lines;
};

const differenceText = (
  { objects, size, missing, bytesMissing, extra }: Difference,
  deleteExtra: boolean,
): string =>
  `${countText(objects, 'object')} (${sizeText(size)}), of which ${missing} (${sizeText(bytesMissing)}) would be brought back;` +
  ` ${extra} that the set does not know would be ${deleteExtra ? 'deleted' : 'kept'}`;
