import { type DatabaseEndpoint, databaseEndpoints } from '../config/components.ts';

/*
 * This folder is the format in S3: every key, the manifest, object lists, the claim and the lock of
 * a path. It knows no operation.
 */

/**
 * Every key that this charm writes to or reads from the target bucket. README and docs show it as a
 * tree.
 */
export interface Layout {
  /** The claim: which model the prefix belongs to. */
  readonly claim: string;
  /** Prefix of the lock's claims: of operations that work on the prefix, or want to. */
  readonly locks: string;
  lockClaim(nonce: string): string;
  /** The lock of earlier revisions, a single object. */
  readonly oldLock: string;
  /** Written and deleted by a preflight, to see whether that is allowed. */
  writeTest(nonce: string): string;
  /**
   * Where mysql-k8s writes. Each restore moves it to the next generation, because mysql-k8s refuses
   * to write where it was restored from.
   */
  databasePath(endpoint: string, generation: number): string;
  mlmdDump(id: BackupId): string;
  /** Prefix of the mirror of a bucket; the object's own key follows. */
  mirror(bucket: string): string;
  /**
   * Prefix of replaced versions of a bucket's objects; the object's own key, a slash and its ETag
   * follow.
   */
  history(bucket: string): string;
  /** Prefix of all sets. */
  readonly sets: string;
  /** Until when retention has judged what lies in the mirrors and the history. */
  readonly judged: string;
  set(id: BackupId): string;
  objectList(id: BackupId, bucket: string): string;
  failedObjects(id: BackupId): string;
  /** What a restore could not bring back. */
  lostObjects(id: BackupId, bucket: string): string;
  /** The mark of a backup that is being made; it reserves the id. */
  started(id: BackupId): string;
  /**
   * A copy of the manifest of a set that is being removed, so that an interrupted removal can be
   * finished.
   */
  removed(id: BackupId): string;
  /** When the set was proven, and how. */
  proofs(id: BackupId): string;
  /** The manifest. It is written last; without it there is no backup set. */
  manifest(id: BackupId): string;
  /** The set as a page for people. */
  setPage(id: BackupId): string;
  /** Prefix of what the units tell each other that share work on the set: see `ShardLayout`. */
  shards(id: BackupId): string;
  /** Prefix of the records of runs. */
  readonly runs: string;
  run(session: string): string;
  /** The log of a run. */
  runLog(session: string): string;
  /** Says that the run made a set, so that its record is kept for ever. */
  runSet(session: string): string;
  /** Prefix of everything that belongs to users' volumes; it has a lock of its own. */
  readonly volumes: string;
  /** Prefix of the records of sessions. */
  readonly volumeSessions: string;
  volumeSession(id: string): string;
  /** What the session said. */
  volumeSessionLog(id: string): string;
  /** To whom a repository belongs. Next to the repository, because all of that is restic's. */
  volumeRepository(name: string): string;
  /** When a repository was pruned and checked, and what was found. */
  volumeState(name: string): string;
  /** Which versions the images said to have, so that they are asked once. */
  readonly volumeImages: string;
  /** Prefix of a repository, as restic writes it. */
  repository(name: string): string;
  /** The run as a page for people. */
  runPage(session: string): string;
}

export const layoutOf = (prefix: string): Layout => ({
  claim: `${prefix}/ckf-backup.json`,
  locks: `${prefix}/locks/`,
  lockClaim: (nonce) => `${prefix}/locks/${nonce}.json`,
  oldLock: `${prefix}/lock.json`,
  writeTest: (nonce) => `${prefix}/write-test-${nonce}`,
  databasePath: (endpoint, generation) =>
    generation === 1 ? `${prefix}/${endpoint}` : `${prefix}/${endpoint}-${generation}`,
  mlmdDump: (id) => `${prefix}/mlmd/mlmd-${id.slice(0, 19).replaceAll(/[T:]/g, '-')}.dump.gz`,
  mirror: (bucket) => `${prefix}/${bucket}/`,
  history: (bucket) => `${prefix}/history/${bucket}/`,
  sets: `${prefix}/sets/`,
  judged: `${prefix}/sets/judged.json`,
  set: (id) => `${prefix}/sets/${id}/`,
  started: (id) => `${prefix}/sets/${id}/started.json`,
  removed: (id) => `${prefix}/sets/${id}/removed.json`,
  objectList: (id, bucket) => `${prefix}/sets/${id}/${bucket}.ndjson.gz`,
  failedObjects: (id) => `${prefix}/sets/${id}/failed.ndjson`,
  lostObjects: (id, bucket) => `${prefix}/sets/${id}/lost/${bucket}.ndjson.gz`,
  proofs: (id) => `${prefix}/sets/${id}/proofs.json`,
  manifest: (id) => `${prefix}/sets/${id}/manifest.json`,
  setPage: (id) => `${prefix}/sets/${id}/index.html`,
  shards: (id) => `${prefix}/sets/${id}/shards/`,
  runs: `${prefix}/runs/`,
  run: (session) => `${prefix}/runs/${session}.json`,
  runLog: (session) => `${prefix}/runs/${session}.log`,
  runSet: (session) => `${prefix}/runs/${session}.set`,
  volumes: `${prefix}/volumes`,
  volumeSessions: `${prefix}/volumes/sessions/`,
  volumeSession: (id) => `${prefix}/volumes/sessions/${id}.json`,
  volumeSessionLog: (id) => `${prefix}/volumes/sessions/${id}.log`,
  volumeRepository: (name) => `${prefix}/volumes/repositories/${name}.json`,
  volumeState: (name) => `${prefix}/volumes/states/${name}.json`,
  volumeImages: `${prefix}/volumes/images.json`,
  repository: (name) => `${prefix}/volumes/repos/${name}/`,
  runPage: (session) => `${prefix}/runs/${session}.html`,
});

/**
 * The bucket whose object list this is; undefined when the object is not an object list of the set.
 */
export const bucketOfObjectList = (layout: Layout, id: BackupId, key: string): string | undefined =>
  /^([^/]+)\.ndjson\.gz$/.exec(key.slice(layout.set(id).length))?.[1];

/** The set to which an object list belongs; undefined when its key is not in a set's folder. */
export const setOfObjectList = (layout: Layout, key: string): BackupId | undefined => {
  const id = key.slice(layout.sets.length).split('/')[0] ?? '';
  return key.startsWith(layout.sets) && isBackupId(id) ? id : undefined;
};

/** Whether an object of a set's folder is one that this charm writes there. */
export const isOwnObject = (layout: Layout, id: BackupId, key: string): boolean => {
  const own = [
    layout.manifest(id),
    layout.started(id),
    layout.removed(id),
    layout.failedObjects(id),
    layout.proofs(id),
    layout.setPage(id),
  ];
  return (
    own.includes(key) ||
    key.startsWith(layout.shards(id)) ||
    bucketOfObjectList(layout, id, key) !== undefined ||
    // The objects that a restore could not bring back. They have their own folder, because a bucket
    // may have any name.
    /^lost\/[^/]+\.ndjson\.gz$/.test(key.slice(layout.set(id).length))
  );
};

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

/**
 * An id that no set has, because it is older than S3. Its keys are used to ask how S3 protects the
 * objects of sets.
 */
export const neverASet = backupIdAt(new Date(0));

/*
 * Everybody who can write to the bucket can write a manifest. So its names are not trusted: before
 * something is deleted, a name must have the form that this charm gives.
 */

/**
 * Whether the mirror of a bucket of this name cannot be mistaken for another folder below the
 * prefix.
 */
export const isMirroredBucket = (name: string): boolean =>
  /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/.test(name) &&
  !/^(sets|history|mlmd|locks|runs|volumes|lock\.json|ckf-backup\.json|kfp-db.*|katib-db.*|write-test-.*)$/.test(
    name,
  );

export const isDatabase = (component: string): component is DatabaseEndpoint =>
  databaseEndpoints.some((endpoint) => endpoint === component);

/**
 * Which generation of a database's path this is: 1 for `<prefix>/kfp-db`, 2 for
 * `<prefix>/kfp-db-2`, and so on. Undefined for a path that we would not hand to this database
 * under this prefix.
 */
export const generationOf = (
  layout: Layout,
  endpoint: string,
  path: string | undefined,
): number | undefined => {
  const generation = Number(/-([1-9]\d*)$/.exec(path ?? '')?.[1] ?? 1);
  return layout.databasePath(endpoint, generation) === path ? generation : undefined;
};

/** Whether a text has the form of mysql-k8s' ids, which no other name below its path has. */
export const isDatabaseBackupId = (id: string): boolean =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(id);
