import { randomUUID } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { isBucket } from '../config/options.ts';
import { CharmError, orProblem } from '../errors.ts';
import type { BackupManifest, BucketBackup } from '../repository/manifest.ts';
import type { Source, World } from '../world.ts';
import type { RestoreRequest } from './set.ts';

/** A bucket of MinIO that objects of the set are brought back to. */
export interface RestoredSource extends Source {
  /** What the set has for it; of the same name, unless the bucket was renamed. */
  readonly backup: BucketBackup;
}

/**
 * Opens the buckets that the objects of the set go to: those that the option source-buckets names,
 * and those that the operator names in the parameter. A manifest alone opens no bucket of MinIO,
 * because others may have written it.
 */
export const openSources = async (
  world: World,
  {
    sourceBuckets,
    renamed,
    manifest,
  }: Pick<Config, 'sourceBuckets'> &
    Pick<RestoreRequest, 'renamed'> & { readonly manifest: BackupManifest | undefined },
  opened: AsyncDisposableStack,
): Promise<{
  readonly opened: readonly RestoredSource[];
  readonly problems: readonly CharmError[];
}> => {
  const sources: RestoredSource[] = [];
  const problems = manifest ? [...renameProblems(manifest, renamed)] : [];
  for (const backup of manifest?.buckets ?? []) {
    const bucket = renamed.get(backup.bucket) ?? backup.bucket;
    if (!renamed.has(backup.bucket) && !sourceBuckets.includes(bucket)) {
      problems.push(notNamed(world, bucket, sourceBuckets));
      continue;
    }
    const source = await orProblem(() => world.openSource(bucket));
    if (source instanceof CharmError) problems.push(source);
    else {
      opened.use(source.store);
      sources.push({ ...source, backup });
    }
  }
  return { opened: sources, problems };
};

/**
 * Reads `<bucket of the set>=<bucket of MinIO>`, separated by commas. Rejects with
 * `parameter-invalid`.
 */
export const parseRenamedBuckets = (text: string): ReadonlyMap<string, string> => {
  const renamed = new Map<string, string>();
  for (const pair of text.split(',').map((part) => part.trim())) {
    if (pair === '') continue;
    const [from = '', to = '', ...rest] = pair.split('=').map((name) => name.trim());
    if (!isBucket(from) || !isBucket(to) || rest.length > 0 || renamed.has(from))
      throw new CharmError(
        'parameter-invalid',
        `rename-buckets=${JSON.stringify(text.slice(0, 100))} is not a list of <bucket of the set>=<bucket of MinIO>, such as mlpipeline=pipelines.`,
      );
    renamed.set(from, to);
  }
  return renamed;
};

/**
 * Whether the buckets may be written. Beginning an upload in parts needs the same right as a PUT,
 * and leaves nothing when it is aborted.
 */
export async function* sourceProblems(sources: readonly Source[]): AsyncGenerator<CharmError> {
  for (const { store } of sources) {
    const refused = await orProblem(async () => {
      const upload = await store.startParts(`ckf-restore-write-test-${randomUUID()}`, {});
      await upload.abort();
    });
    if (refused instanceof CharmError && refused.code !== 'store-bucket-missing') yield refused;
  }
}

function* renameProblems(
  { id, buckets }: BackupManifest,
  renamed: RestoreRequest['renamed'],
): Generator<CharmError> {
  const names = buckets.map(({ bucket }) => bucket);
  for (const from of renamed.keys())
    if (!names.includes(from))
      yield new CharmError(
        'parameter-invalid',
        `The set ${id} has no bucket ${from} to rename; it has ${names.join(', ') || 'none'}.`,
      );
  const goals = names.map((name) => renamed.get(name) ?? name);
  const twice = goals.find((name, at) => goals.indexOf(name) !== at);
  if (twice !== undefined)
    yield new CharmError(
      'parameter-invalid',
      `Two buckets of the set ${id} would go to the bucket ${twice}. Give each one of its own.`,
    );
}

const notNamed = (
  { application }: World,
  bucket: string,
  sourceBuckets: readonly string[],
): CharmError =>
  new CharmError(
    'parameter-invalid',
    `The set has the bucket ${bucket}, which the option source-buckets (${sourceBuckets.join(',')}) does not name, so it is not touched. If it is to be restored, run: ` +
      `juju config ${application} source-buckets=${[...sourceBuckets, bucket].join(',')}, or say where it goes with rename-buckets=${bucket}=<bucket>`,
  );
