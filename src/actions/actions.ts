import type { Action } from './action.ts';

/** Each action of actions.yaml, with its module, which is loaded only for it. */
export const actions: Readonly<Record<string, () => Promise<Action>>> = {
  'backup-control-plane': async () =>
    (await import('./backup-control-plane.ts')).backupControlPlane,
  assurance: async () => (await import('./assurance.ts')).assurance,
  check: async () => (await import('./check.ts')).check,
  'restore-control-plane': async () =>
    (await import('./restore-control-plane.ts')).restoreControlPlane,
  'list-backups': async () => (await import('./list-backups.ts')).listBackups,
  'list-sessions': async () => (await import('./list-sessions.ts')).listSessions,
  'show-session': async () => (await import('./show-session.ts')).showSession,
  'verify-backup': async () => (await import('./verify-backup.ts')).verifyBackup,
  'delete-backup': async () => (await import('./delete-backup.ts')).deleteBackup,
  prune: async () => (await import('./prune.ts')).prune,
  'backup-volumes': async () => (await import('./backup-volumes.ts')).backupVolumes,
  'list-volumes': async () => (await import('./list-volumes.ts')).listVolumes,
  'get-volume-key': async () => (await import('./get-volume-key.ts')).getVolumeKey,
  'list-volume-backups': async () => (await import('./list-volume-backups.ts')).listVolumeBackups,
  'delete-volume-backups': async () =>
    (await import('./delete-volume-backups.ts')).deleteVolumeBackups,
  'verify-volumes': async () => (await import('./verify-volumes.ts')).verifyVolumes,
  'volume-status': async () => (await import('./volume-status.ts')).volumeStatus,
  'restore-volume': async () => (await import('./restore-volume.ts')).restoreVolume,
  work: async () => (await import('./work.ts')).work,
};

export const actionNames: readonly string[] = Object.keys(actions);
