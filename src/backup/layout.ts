import type { BackupId } from './backup-id.ts';

/** Which object lies under which key of the target bucket. Pure; the picture of it is in docs and README. */
export interface Layout {
  /** To which model the prefix belongs. */
  readonly claim: string;
  /** Who works on the prefix at the moment. */
  readonly lock: string;
  /** Written and deleted by a check, to see whether we may. */
  writeTest(nonce: string): string;
  /** Where mysql-k8s writes; moves on with each restore, because it refuses to write where it was restored from. */
  databasePath(endpoint: string, generation: number): string;
  mlmdDump(id: BackupId): string;
  /** Prefix of the mirror of a bucket; the object's own key follows. */
  mirror(bucket: string): string;
  /** Prefix of replaced versions of a bucket's objects; the object's own key, a slash and its ETag follow. */
  history(bucket: string): string;
  /** Prefix of all sets. */
  readonly sets: string;
  set(id: BackupId): string;
  objectList(id: BackupId, bucket: string): string;
  failedObjects(id: BackupId): string;
  /** The commit marker: without it there is no backup. */
  manifest(id: BackupId): string;
}

export const layoutOf = (prefix: string): Layout => ({
  claim: `${prefix}/ckf-backup.json`,
  lock: `${prefix}/lock.json`,
  writeTest: (nonce) => `${prefix}/write-test-${nonce}`,
  databasePath: (endpoint, generation) =>
    generation === 1 ? `${prefix}/${endpoint}` : `${prefix}/${endpoint}-${generation}`,
  mlmdDump: (id) => `${prefix}/mlmd/mlmd-${id.slice(0, 19).replaceAll(/[T:]/g, '-')}.dump.gz`,
  mirror: (bucket) => `${prefix}/${bucket}/`,
  history: (bucket) => `${prefix}/history/${bucket}/`,
  sets: `${prefix}/sets/`,
  set: (id) => `${prefix}/sets/${id}/`,
  objectList: (id, bucket) => `${prefix}/sets/${id}/${bucket}.ndjson.gz`,
  failedObjects: (id) => `${prefix}/sets/${id}/failed.ndjson`,
  manifest: (id) => `${prefix}/sets/${id}/manifest.json`,
});
