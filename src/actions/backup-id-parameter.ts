import { isBackupId, type BackupId } from '../backup/backup-id.ts';
import { CharmError } from '../errors.ts';

/** The value of a parameter that names a set. Rejects with `parameter-invalid`. */
export const backupIdParameter = (parameter: string, value: unknown): BackupId => {
  if (typeof value === 'string' && isBackupId(value)) return value;
  throw new CharmError(
    'parameter-invalid',
    `${parameter}=${String(value)} is not the id of a backup, such as 2026-11-21T20:15:00Z. The action list-backups shows them.`,
  );
};
