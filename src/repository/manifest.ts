import { Ajv } from 'ajv';
import { CharmError, hasCode, orProblem } from '../errors.ts';
import type { ObjectStore } from '../world.ts';
import { manifestSchema } from './manifest-schema.ts';

/** What a backup set consists of, and all that a restore has to know. Times are ISO 8601, sizes are bytes. */
export interface BackupManifest {
  readonly format: 1;
  readonly id: string;
  readonly model: { readonly name: string; readonly uuid: string };
  readonly started: string;
  readonly finished: string;
  /** False when something ran, or started, while the backup was made; `running` says what. */
  readonly consistent: boolean;
  readonly running: readonly string[];
  readonly components: readonly string[];
  readonly databases: readonly DatabaseBackup[];
  readonly mlmd?: MlmdBackup;
  readonly buckets: readonly BucketBackup[];
}

export interface DatabaseBackup {
  /** Our endpoint, which the component is named after. */
  readonly component: string;
  readonly application: string;
  readonly unit: string;
  readonly charm: string;
  readonly revision?: number;
  readonly version: string;
  /** mysql-k8s' own id, for its action `restore`. */
  readonly backupId: string;
  /** Where it lies in our bucket; absent when the database has an S3 storage of its own. */
  readonly path?: string;
  readonly size?: number;
  readonly objects?: number;
  /** Of the names, sizes and ETags of its objects; see listing-digest.ts. Absent from sets of earlier revisions. */
  readonly digest?: string;
  readonly seconds: number;
}

export interface MlmdBackup {
  readonly application: string;
  readonly key: string;
  readonly size: number;
  readonly sha256: string;
  readonly schemaVersion: number;
  /** Rows of each table. */
  readonly rows: Readonly<Record<string, number>>;
  /** How it was read: `python3`, `sqlite3` or `copy`. */
  readonly way: string;
  readonly seconds: number;
}

export interface BucketBackup {
  readonly bucket: string;
  /** The object list: its key, and what proves it. */
  readonly list: { readonly key: string; readonly size: number; readonly sha256: string };
  readonly objects: number;
  readonly size: number;
  readonly copied: number;
  readonly bytesCopied: number;
  readonly archived: number;
  readonly vanished: number;
  readonly seconds: number;
}

const isManifest = new Ajv({ allErrors: true }).compile(manifestSchema);

/** Writes the manifest, the last object of a set: from now on the set is listed. */
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
    // A PUT may have been done although its reply was lost, or was not what it should be.
    const stored = await orProblem(() => store.read(key));
    if (stored instanceof CharmError) throw error;
    if (stored.toString('utf8') === json) return;
    if (hasCode(error, 'store-corrupt')) await orProblem(() => store.delete([key]));
    throw error;
  }
};

/** Reads a set's manifest. Rejects with `backup-missing` when there is none, `manifest-invalid` when it cannot be trusted. */
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
  if (isManifest(value)) return value;
  const faults = (isManifest.errors ?? []).map(
    ({ instancePath, message }) => `${instancePath} ${message ?? ''}`,
  );
  throw new CharmError(
    'manifest-invalid',
    `${key} is not a manifest of format 1 (${faults.slice(0, 3).join('; ')}).`,
  );
};
