import { Ajv } from 'ajv';
import { CharmError, hasCode, orProblem } from '../errors.ts';
import { excerpt } from '../text.ts';
import type { ObjectStore } from '../world.ts';
import { generationOf, isDatabaseBackupId, isMirroredBucket, layoutOf } from './layout.ts';
import { manifestSchema } from './manifest-schema.ts';
import type { BackupManifest } from './manifest.ts';

const isManifest = new Ajv({ allErrors: true }).compile(manifestSchema);

/** Writes the manifest, the last object of a set. From then on the set is listed. */
export const writeManifest = async (
  store: ObjectStore,
  key: string,
  manifest: BackupManifest,
): Promise<void> => {
  const { id } = manifest;
  if (!isManifest(manifest)) throw new TypeError(`the manifest of ${id} does not fit its schema`);
  const json = `${JSON.stringify(manifest, undefined, 2)}\n`;
  try {
    await store.put(key, json, { metadata: { contentType: 'application/json' }, ifAbsent: true });
  } catch (error) {
    // The server may have stored it although its reply was lost, or was wrong.
    const stored = await orProblem(() => store.read(key));
    if (stored instanceof CharmError) throw error;
    if (stored.toString('utf8') === json) return;
    if (hasCode(error, 'store-corrupt')) await orProblem(() => store.delete([key]));
    throw error;
  }
};

/**
 * Reads a set's manifest. Rejects with `backup-missing` when there is none, `manifest-invalid` when
 * it cannot be trusted.
 */
export const readManifest = async (store: ObjectStore, key: string): Promise<BackupManifest> => {
  if ((await store.head(key)) === undefined) {
    throw new CharmError('backup-missing', `There is no object ${key} in ${store.description}.`);
  }
  return parseManifest((await store.read(key)).toString('utf8'), key);
};

export const parseManifest = (json: string, key: string): BackupManifest => {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new CharmError('manifest-invalid', `${key} is not JSON, so its set cannot be trusted.`, {
      cause: error,
    });
  }
  if (isManifest(value)) {
    const foreign = foreignName(value, key);
    if (foreign === undefined) return value;
    throw new CharmError(
      'manifest-invalid',
      `${key} names ${JSON.stringify(excerpt(foreign, 80))}, which is not a name that this charm gives.`,
    );
  }
  const faults = (isManifest.errors ?? []).map(
    ({ instancePath, message }) => `${instancePath} ${message ?? ''}`,
  );
  throw new CharmError(
    'manifest-invalid',
    `${key} is not a manifest of format 1 (${faults.slice(0, 3).join('; ')}).`,
  );
};

/**
 * The first name in a manifest that this charm would not have given to the set under `key`.
 * Everybody who can write to the bucket can write a manifest, and its names become keys, buckets of
 * MinIO, and parameters of actions.
 */
const foreignName = (
  { id, databases, mlmd, buckets }: BackupManifest,
  key: string,
): string | undefined => {
  const [, prefix] = /^(.+)\/sets\/[^/]+\/(?:manifest|removed)\.json$/.exec(key) ?? [];
  const layout = layoutOf(prefix ?? '');
  for (const { component, backupId: databaseBackupId, path } of databases) {
    if (!isDatabaseBackupId(databaseBackupId)) return databaseBackupId;
    if (path !== undefined && generationOf(layout, component, path) === undefined) return path;
  }
  if (mlmd !== undefined && mlmd.key !== layout.mlmdDump(id)) return mlmd.key;
  for (const { bucket, list } of buckets) {
    if (!isMirroredBucket(bucket)) return bucket;
    if (list.key !== layout.objectList(id, bucket)) return list.key;
  }
  return undefined;
};
