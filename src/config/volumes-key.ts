import { CharmError, hasCode } from '../errors.ts';
import type { HookTools } from '../world.ts';
import type { Config } from './config.ts';

const shortest = 32;

/**
 * The secret from which the password of each repository is made, in its newest revision. Rejects
 * with `volumes-off` when the option volumes-key is not set, and with `volumes-key-invalid` when
 * its secret cannot be used. The key is never made by the charm: one that only the charm knew would
 * be lost with the model, and all backups with it.
 */
export const readVolumesKey = async (
  tools: HookTools,
  { volumes }: Config,
  application: string,
): Promise<string> => {
  const id = volumes.key;
  if (id === undefined)
    throw new CharmError(
      'volumes-off',
      'Volumes are not backed up, because the option volumes-key is not set. Run this, and keep the file in a safe place:' +
        ` openssl rand -hex 32 > volumes-key; juju add-secret volumes-key key#file=volumes-key; juju grant-secret volumes-key ${application}; juju config ${application} volumes-key=<the secret's URI>`,
    );
  try {
    // A key that came from a file has the file's last newline.
    const key = (await tools.secret(id))['key']?.trim() ?? '';
    if (key.length >= shortest) return key;
  } catch (cause) {
    if (!hasCode(cause, 'juju-credentials-not-granted', 'juju-credentials-missing')) throw cause;
    throw new CharmError(
      'volumes-key-invalid',
      `The secret of the option volumes-key cannot be read: it does not exist or is not granted. Run: juju grant-secret ${id} ${application}`,
      { cause },
    );
  }
  throw new CharmError(
    'volumes-key-invalid',
    `The secret of the option volumes-key has no "key" of at least ${shortest} characters. Run: juju update-secret ${id} key#file=<the file with the key>`,
  );
};
