import { Ajv } from 'ajv';
import { CharmError, hasCode, orProblem } from '../errors.ts';
import type { ObjectStore } from '../world.ts';
import { manifestSchema } from './manifest-schema.ts';
import type { BackupManifest } from './manifest.ts';

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
