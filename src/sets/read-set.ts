import type { BackupId } from '../backup/backup-id.ts';
import { layoutOf } from '../backup/layout.ts';
import { parseManifest, type BackupManifest } from '../backup/manifest.ts';
import { CharmError, hasCode } from '../errors.ts';
import type { Target } from '../world.ts';

/**
 * The manifest of a set, in one request. Rejects with `backup-missing` when there is no such set, and with `manifest-invalid` when its
 * manifest cannot be trusted, which includes that it is another set's.
 */
export const readSet = async ({ store, prefix }: Target, id: BackupId): Promise<BackupManifest> => {
  const key = layoutOf(prefix).manifest(id);
  let text: string;
  try {
    text = (await store.read(key)).toString('utf8');
  } catch (error) {
    if (!hasCode(error, 'object-missing')) throw error;
    throw new CharmError(
      'backup-missing',
      `There is no backup set ${id} under ${prefix} in ${store.description}. See juju run <unit> list-backups.`,
      { cause: error },
    );
  }
  const manifest = parseManifest(text, key);
  if (manifest.id === id) return manifest;
  throw new CharmError(
    'manifest-invalid',
    `${key} is the manifest of another set, ${manifest.id}, so it cannot be trusted.`,
  );
};
