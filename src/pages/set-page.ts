import type { BackupManifest } from '../repository/manifest.ts';
import { setSize } from '../repository/sets.ts';
import { ownLocations } from '../repository/storage-location.ts';
import { countText, durationText, sizeText, sum } from '../text.ts';
import type { Target } from '../world.ts';
import { type Html, bar, facts, html, lines, list, page, table } from './html.ts';

/** The page of a set: what it holds, how it was proven, and how to restore it. */
export const setPage = (
  { bucket, prefix, application }: Pick<Target, 'bucket' | 'prefix' | 'application'>,
  manifest: BackupManifest,
): string => {
  const { id, model, started, finished, consistent, running } = manifest;
  const seconds = (Date.parse(finished) - Date.parse(started)) / 1000;
  const run = `juju run ${application}/leader`;
  return page(
    `Backup ${id}`,
    html`${facts([
        ['Model', `${model.name} (${model.uuid})`],
        ['Lies in', `s3://${bucket}/${prefix}/sets/${id}/`],
        ['Made', `${shortTime(started)} to ${shortTime(finished)}, in ${durationText(seconds)}`],
        ['Size of a restore', sizeText(setSize(manifest))],
        [
          'Consistent',
          consistent
            ? html`<span class="good">yes</span>, nothing was found to run while it was made`
            : html`<span class="bad">no</span>, its parts may not fit together`,
        ],
      ])}
      ${
        running.length === 0
          ? ''
          : html`<h2>What was running</h2>
              ${list(running)}`
      }
      <h2>What it holds</h2>
      ${table(['part', 'size', 'objects', 'took', ''], partRows(manifest, seconds))}
      ${elsewhere(manifest)}
      <h2>How it was proven when it was made</h2>
      ${list(proofs(manifest))}
      <p>A proof is as old as the set. Look again with:</p>
      ${lines([`${run} verify-backup backup-id=${id}`, `${run} verify-backup backup-id=${id} deep=true`])}
      <h2>Restore it</h2>
      <p>Look first, which changes nothing; then restore all of it, or some parts:</p>
      ${lines([
        `${run} restore-control-plane backup-id=${id} dry-run=true`,
        `${run} restore-control-plane backup-id=${id} confirm=${model.name} --wait=6h`,
        `${run} restore-control-plane backup-id=${id} confirm=${model.name} components=mlmd,mlpipeline --wait=6h`,
      ])}
      <p>
        In another model, relate ${application} to the same S3 storage and path, and confirm with
        the name of that model. The databases' passwords are not in the set.
      </p>`,
  );
};

/** What a restore needs besides this folder and its path. */
const elsewhere = (manifest: BackupManifest): Html | string => {
  const places = Object.entries(ownLocations(manifest));
  if (places.length === 0) return '';
  return html`<p>
      These databases back up to an S3 storage of their own, and are restored from there:
    </p>
    ${list(places.map(([component, place]) => `${component}: ${place}`))}`;
};

const partRows = (
  { databases, mlmd, buckets }: BackupManifest,
  whole: number,
): readonly (readonly (string | Html)[])[] => {
  const row = (name: string, size: number | undefined, objects: string, seconds: number) => [
    name,
    size === undefined ? 'not known' : sizeText(size),
    objects,
    durationText(seconds),
    bar(0, whole === 0 ? 0 : seconds / whole),
  ];
  return [
    ...databases.map(({ component, version, unit, size, objects, seconds }) =>
      row(
        `${component}: MySQL ${version}, of ${unit}`,
        size,
        objects === undefined ? '' : String(objects),
        seconds,
      ),
    ),
    ...(mlmd === undefined
      ? []
      : [
          row(
            `mlmd: schema ${mlmd.schemaVersion}`,
            mlmd.size,
            countText(sum(Object.values(mlmd.rows)), 'row'),
            mlmd.seconds,
          ),
        ]),
    ...buckets.map(({ bucket, size, objects, seconds }) =>
      row(`mlpipeline: bucket ${bucket}`, size, String(objects), seconds),
    ),
  ];
};

const proofs = ({ databases, mlmd, buckets }: BackupManifest): readonly string[] => [
  ...databases.map(
    ({ component, application, backupId: databaseBackupId }) =>
      `${component}: ${application} lists its backup ${databaseBackupId} as finished`,
  ),
  ...(mlmd === undefined
    ? []
    : [
        `mlmd: the dump was read back (SHA-256 ${mlmd.sha256}) and restored on the side, with the rows of all ${Object.keys(mlmd.rows).length} tables`,
      ]),
  ...buckets.map(
    ({ bucket, objects, list: { sha256 } }) =>
      `mlpipeline: all ${objects} objects of ${bucket} were seen in S3; their list has SHA-256 ${sha256}`,
  ),
];

/** `2026-11-26 02:00:05 UTC` */
const shortTime = (time: string): string => `${time.slice(0, 19).replace('T', ' ')} UTC`;
