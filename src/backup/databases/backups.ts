/**
 * What `list-backups` of mysql-k8s says of one backup: `finished`, `failed` or `in progress`; undefined when it is not listed. The result is a
 * text table `backup-id | backup-type | backup-status` under two lines of heading (mysql-k8s lib/charms/mysql/v0/backups.py).
 */
export const statusOfBackup = (table: unknown, backupId: string): string | undefined => {
  const rows = typeof table === 'string' ? table.split('\n').slice(2) : [];
  for (const row of rows) {
    const [id, , status] = row.split('|').map((cell) => cell.trim());
    if (id === backupId) return status;
  }
  return undefined;
};
