declare const brand: unique symbol;

/** `2026-11-21T20:15:00Z`: UTC, to the second, so that ids sort by time. */
export type BackupId = string & { readonly [brand]: 'BackupId' };

const pattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

export const backupIdAt = (time: Date): BackupId => parsed(`${time.toISOString().slice(0, 19)}Z`);

export const isBackupId = (text: string): text is BackupId =>
  pattern.test(text) && !Number.isNaN(Date.parse(text));

const parsed = (text: string): BackupId => {
  if (!isBackupId(text)) throw new RangeError(`${text} is not a backup id`);
  return text;
};
