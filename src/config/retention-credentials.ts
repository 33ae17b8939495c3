import type { HookTools } from '../world.ts';
import type { Config } from './config.ts';
import { readUserSecret, unreadable } from './user-secret.ts';

/** The keys of S3 that may delete backups. */
interface RetentionCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

/**
 * Reads the secret of the option retention-credentials, with which sets are removed when the keys
 * of the s3-credentials relation may not. Undefined while it is not set; rejects with
 * `secret-unreadable`.
 */
export const readRetentionCredentials = async (
  tools: HookTools,
  config: Pick<Config, 'retentionCredentials'>,
  application: string,
): Promise<RetentionCredentials | undefined> => {
  const id = config.retentionCredentials;
  if (id === undefined) return undefined;
  const secret = await readUserSecret(tools, application, 'retention-credentials', id);
  const { 'access-key': accessKey, 'secret-key': secretKey } = secret;
  const missing = Object.entries({ 'access-key': accessKey, 'secret-key': secretKey }).flatMap(
    ([key, value]) => (value?.trim() ? [] : [key]),
  );
  if (!accessKey || !secretKey || missing.length > 0)
    throw unreadable(
      'retention-credentials',
      `has no ${missing.join(' and no ')}`,
      `juju update-secret ${id} access-key=<access key> secret-key#file=<file>`,
    );
  return { accessKey: accessKey.trim(), secretKey: secretKey.trim() };
};
