import type { RestoredDatabase } from './databases.ts';
import type { RestoredMlmd } from './mlmd.ts';
import type { RestoredBucket } from './buckets.ts';
import { countText, durationText, sizeText } from '../text.ts';
import type { ReadyRestore } from './preflight.ts';
import type { RestoreRequest } from './set.ts';
import { differenceOf, type Difference } from '../components/buckets/difference.ts';
import { openStoredSet } from '../components/buckets/stored-set.ts';

/** What a restore did, in the order in which it did it. */
export interface RestoreReport {
  readonly components: readonly string[];
  readonly buckets: readonly RestoredBucket[];
  readonly mlmd: RestoredMlmd | undefined;
  readonly databases: readonly RestoredDatabase[];
}

/** What a restore would do, a line for each thing, after looking through the buckets. */
export const planText = async (
  { target, layout, sources, manifest, plan }: ReadyRestore,
  { deleteExtra }: RestoreRequest,
): Promise<string[]> => {
  const lines: string[] = [];
  for (const source of sources) {
    const backup = manifest.buckets.find(({ bucket }) => bucket === source.bucket);
    if (backup === undefined) continue;
    const set = openStoredSet(target.store, layout, backup);
    const difference = await differenceOf(set.list(), source, (key) => {
      set.forget(key);
    });
    lines.push(`bucket ${source.bucket}: ${differenceText(difference, deleteExtra)}`);
  }
  if (plan.mlmd !== undefined && manifest.mlmd !== undefined) {
    const rows = Object.values(manifest.mlmd.rows).reduce((sum, count) => sum + count, 0);
    lines.push(
      `${plan.mlmd.name}: its database would be replaced by one of ${countText(rows, 'row')}, and kept beside it` +
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

/** The action's results: flat and short. */
export const resultsOf = (
  backupId: string,
  { components, buckets, mlmd, databases }: RestoreReport,
  seconds: number,
  application: string,
): Record<string, string> => ({
  'backup-id': backupId,
  restored: components.join(','),
  duration: durationText(seconds),
  ...(buckets.length > 0 && {
    'mlpipeline-objects': String(sum(buckets.map(({ objects }) => objects))),
    'mlpipeline-copied': String(sum(buckets.map(({ copied }) => copied))),
    'mlpipeline-bytes-copied': sizeText(sum(buckets.map(({ bytesCopied }) => bytesCopied))),
    'mlpipeline-extra': String(sum(buckets.map(({ extra }) => extra))),
    'mlpipeline-seconds': sum(buckets.map((bucket) => bucket.seconds)).toFixed(1),
  }),
  ...(mlmd && {
    'mlmd-rows': String(mlmd.rows),
    'mlmd-way': mlmd.way,
    'mlmd-kept': mlmd.kept,
    'mlmd-seconds': mlmd.seconds.toFixed(1),
  }),
  ...Object.fromEntries(
    databases.flatMap(({ component, backupId: id, path, seconds: taken }): [string, string][] => [
      [`${component}-backup-id`, id],
      ...(path === undefined ? [] : [[`${component}-path`, path] satisfies [string, string]]),
      [`${component}-seconds`, taken.toFixed(1)],
    ]),
  ),
  ...(databases.length > 0 && { next: nextOf(databases, application) }),
});

/** What an operator has to know about the databases, which mysql-k8s blocks for backups until they write elsewhere. */
const nextOf = (databases: RestoreReport['databases'], application: string): string => {
  const moved = databases.filter(({ path }) => path !== undefined);
  const stuck = databases.filter(({ path }) => path === undefined);
  return [
    ...(moved.length > 0
      ? [
          `From now on ${moved.map(({ application, path }) => `${application} writes to ${path ?? ''}`).join(' and ')}.`,
        ]
      : []),
    ...(stuck.length > 0
      ? [
          `${stuck.map(({ application }) => application).join(' and ')} can make no backups before getting another path in S3: run this action with` +
            ` take-over=true, set another path with juju config ${application} path=<path>, or change its own s3-integrator.`,
        ]
      : []),
    'Then make a backup.',
  ].join(' ');
};

const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);
