import type { Readable, Writable } from 'node:stream';

/*
 * The ports: one small interface for each outside system. What is promised here is what the contract suites in
 * tests/contracts check, for the in-memory fake and for the real adapter alike. Unless said otherwise a method
 * rejects with a CharmError for every failure that an operator can meet.
 */

// ---------------------------------------------------------------- Juju's hook tools

export type StatusName = 'maintenance' | 'blocked' | 'waiting' | 'active';

export interface Status {
  readonly name: StatusName;
  readonly message: string;
}

export type Databag = Readonly<Record<string, string>>;

/**
 * Juju's hook tools, one method for each command line. Each call is a process, so callers ask once.
 * Juju buffers relation and secret changes and commits them only when the process exits 0; status and action-log
 * go out at once.
 */
export interface HookTools {
  /** The action's parameters, with the defaults of actions.yaml filled in. */
  actionParameters(): Promise<Readonly<Record<string, unknown>>>;
  actionLog(message: string): Promise<void>;
  /** Keys are lower-case with hyphens (dots nest); an action may set them in several calls. */
  actionSet(results: Readonly<Record<string, string>>): Promise<void>;
  actionFail(message: string): Promise<void>;

  config(): Promise<Readonly<Record<string, unknown>>>;
  isLeader(): Promise<boolean>;
  setStatus(status: Status, of: 'unit' | 'application'): Promise<void>;
  /** The name of the status that this unit has: one of ours, or one that Juju gave it, such as `error`. */
  unitStatus(): Promise<string>;
  setWorkloadVersion(version: string): Promise<void>;
  log(level: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR', message: string): Promise<void>;

  /** Ids such as `s3-credentials:4`, in order. */
  relationIds(endpoint: string): Promise<readonly string[]>;
  /** The application at the other end; undefined while it is not known. */
  remoteApplication(relationId: string): Promise<string | undefined>;
  /** An application's databag; empty while there is nothing in it, or when the relation has gone. */
  applicationData(relationId: string, application: string): Promise<Databag>;
  /** Merges into our application's databag; an empty string deletes the key. Leader only. */
  setApplicationData(relationId: string, data: Databag): Promise<void>;

  /**
   * The newest revision of a secret. Rejects with `juju-credentials-not-granted` when Juju says "permission denied"
   * and with `juju-credentials-missing` when it does not know the secret.
   */
  secret(id: string): Promise<Databag>;
  /** Creates the secret of this label, or writes a new revision of it when its content differs. Returns its URI. */
  ownSecret(label: string, content: Databag): Promise<string>;
  grantSecret(id: string, relationId: string): Promise<void>;
  removeSecret(id: string): Promise<void>;

  /** Where the filesystem storage of this name is mounted; undefined while it is not attached. */
  storageLocation(name: string): Promise<string | undefined>;
  /** What a trusted application may use to speak to its Kubernetes; undefined when Juju refuses (not trusted). */
  cloudCredential(): Promise<ClusterAccess | undefined>;
  /** Whether an operator trusts our application with the cluster; undefined when Juju's answer does not tell. */
  isTrusted(): Promise<boolean | undefined>;
}

export interface ClusterAccess {
  /** `https://host:port` of the API server. */
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
}

// ---------------------------------------------------------------- the Juju controller

export interface UnitStatus {
  readonly name: string;
  readonly leader: boolean;
  readonly workload: { readonly status: string; readonly message: string };
  readonly agent: { readonly status: string; readonly message: string };
}

export interface ApplicationStatus {
  readonly name: string;
  /** `ch:amd64/mysql-k8s-344` and its parts. */
  readonly charm: string;
  readonly charmRevision: number | undefined;
  readonly workloadVersion: string;
  /** `alive`, `dying` or `dead`. */
  readonly life: string;
  readonly status: { readonly status: string; readonly message: string };
  /** The desired number of units, which Juju reaches in its own time. */
  readonly scale: number;
  /** In the order of their numbers. */
  readonly units: readonly UnitStatus[];
}

export interface ModelStatus {
  readonly name: string;
  readonly applications: ReadonlyMap<string, ApplicationStatus>;
}

export interface ActionOutcome {
  /** The id for `juju show-task`. */
  readonly task: string;
  readonly status: 'completed' | 'failed' | 'cancelled' | 'aborted' | 'error';
  /** What the charm said with action-fail; empty when it did not. */
  readonly message: string;
  readonly results: Readonly<Record<string, unknown>>;
}

/** A Juju model as a user with write access sees it. Calls that may be repeated are retried over dropped connections. */
export interface JujuModel extends AsyncDisposable {
  /** Who we are logged in as, for the commands in messages. */
  readonly user: string;
  /** What the login allows; only `write` and `admin` may scale and run actions. */
  readonly access: 'read' | 'write' | 'admin';
  readonly controllerVersion: string;
  status(): Promise<ModelStatus>;
  /** Sets the desired number of units and returns at once. May be repeated. */
  scale(application: string, units: number): Promise<void>;
  /** The names of the actions that an application's charm defines. */
  actionNames(application: string): Promise<readonly string[]>;
  /**
   * Enqueues an action exactly once, also over a dropped connection, and waits until it ended, for as long as it takes.
   * The outcome tells how it ended; rejects only when it could not be enqueued or the controller stays away.
   */
  runAction(
    unit: string,
    action: string,
    parameters: Readonly<Record<string, unknown>>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<ActionOutcome>;
}

// ---------------------------------------------------------------- Kubernetes

export interface Container {
  readonly name: string;
  readonly ready: boolean;
  readonly restarts: number;
  /** volume name -> path in this container */
  readonly mounts: ReadonlyMap<string, string>;
}

export interface Pod {
  readonly name: string;
  readonly uid: string;
  readonly phase: string;
  readonly containers: readonly Container[];
}

export interface CustomResourceKind {
  /** `argoproj.io/v1alpha1` */
  readonly groupVersion: string;
  /** `workflows` */
  readonly plural: string;
}

export interface CustomResource {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: Readonly<Record<string, unknown>>;
}

export interface ExecTarget {
  readonly pod: string;
  readonly container: string;
}

export interface Kubernetes extends AsyncDisposable {
  /** A pod of the model's namespace. */
  pod(name: string): Promise<Pod | undefined>;
  /** Every object of a kind in all namespaces, page by page; none when the kind is not installed. */
  list(kind: CustomResourceKind, labelSelector?: string): AsyncIterable<CustomResource>;
  /**
   * Runs a command in a container. Its stdout goes to `stdout` with backpressure (which is ended when the command ends),
   * and the first 64 KiB of stderr are returned. Resolves with the command's exit status, whatever it is; rejects when the
   * connection closes before one was received, when `stdout` fails, or when `signal` fires.
   */
  exec(
    target: ExecTarget,
    command: readonly string[],
    options?: {
      readonly stdin?: Readable;
      readonly stdout?: Writable;
      readonly signal?: AbortSignal;
    },
  ): Promise<{ readonly exitCode: number; readonly stderr: string }>;
}

// ---------------------------------------------------------------- S3

export interface StoredObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  readonly lastModified: Date;
}

/** Keys after one key, up to and with another one; open where there is none. */
export interface KeyRange {
  readonly startAfter?: string | undefined;
  readonly upTo?: string | undefined;
}

/** What belongs to an object besides its bytes. */
export interface ObjectMetadata {
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly contentDisposition?: string;
  readonly contentLanguage?: string;
  readonly cacheControl?: string;
  readonly expires?: string;
  /** `x-amz-meta-*`, by lower-case name. */
  readonly user: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

export interface ObjectContent extends StoredObject {
  /** `tags` is empty when `tagCount` is 0, otherwise ask `tags(key)`. */
  readonly metadata: ObjectMetadata;
  readonly tagCount: number;
  /** Must be consumed or destroyed. Fails when the server ends it early. */
  readonly body: Readable;
}

/** A small object as a whole. */
export interface FetchedObject extends Omit<ObjectContent, 'body'> {
  readonly bytes: Buffer;
}

export interface PutOptions {
  readonly metadata?: Partial<ObjectMetadata>;
  /** Only when no object has this key; otherwise rejects with `object-exists`. */
  readonly ifAbsent?: boolean;
  /** Only when the object has this ETag; otherwise rejects with `object-changed`. */
  readonly ifMatch?: string;
  /** Hex. Sent as Content-MD5, so that the server refuses bytes that differ. */
  readonly md5?: string;
  readonly signal?: AbortSignal;
}

/** An upload in parts. Nothing is visible before `complete`. */
export interface PartUpload {
  readonly uploadId: string;
  /** Parts are numbered from 1; all but the last have at least 5 MiB. May be called side by side. */
  put(
    part: number,
    body: Uint8Array | Readable,
    size: number,
    md5?: string,
  ): Promise<{ readonly etag: string }>;
  complete(): Promise<{ readonly etag: string }>;
  abort(): Promise<void>;
}

/**
 * One bucket of an S3 server. Failures that may pass (connections, 429, 500, 502, 503, 504) are retried with back-off,
 * except that a body given as a stream is sent once only. Codes: `store-unreachable`, `store-denied`, `store-bucket-missing`,
 * `store-refused` (with the server's own code in the message), `object-missing`, `object-changed`, `object-exists`, `store-corrupt`.
 */
export interface ObjectStore extends AsyncDisposable {
  /** For messages: `bucket mlpipeline at http://minio.kubeflow:9000`. */
  readonly description: string;
  /** Rejects unless the bucket exists and may be listed. */
  probe(): Promise<void>;
  /**
   * In the order of the keys' UTF-8 bytes; only keys that sort after `startAfter`, and not after `upTo`. Every key comes exactly
   * as it is stored.
   */
  list(prefix: string, range?: KeyRange): AsyncIterable<StoredObject>;
  /** The "directories" one level below `prefix`, each ending with `/`. */
  listPrefixes(prefix: string): AsyncIterable<string>;
  /** With `part`, `size` is that of this part, counted from 1; a server that cannot tell answers with the size of the whole. */
  head(
    key: string,
    options?: { readonly part?: number },
  ): Promise<(StoredObject & { readonly metadata: ObjectMetadata }) | undefined>;
  /** `etag` makes it reject with `object-changed` when the object is another one by now; `range` is inclusive. */
  get(
    key: string,
    options?: {
      readonly etag?: string;
      readonly range?: { readonly start: number; readonly end: number };
      readonly signal?: AbortSignal;
    },
  ): Promise<ObjectContent>;
  /** The whole of a small object with what belongs to it; `etag` as in `get`. A reply that breaks off is asked for again. */
  fetch(key: string, options?: { readonly etag?: string }): Promise<FetchedObject>;
  /** The whole of a small object. */
  read(key: string): Promise<Buffer>;
  tags(key: string): Promise<Readonly<Record<string, string>>>;
  /**
   * Writes an object of a known size. Rejects, and leaves no object, when the body is shorter, longer or fails. The caller may
   * trust the ETag that comes back: a single PUT without KMS has the MD5 of the bytes that the server stored.
   */
  put(
    key: string,
    body: Uint8Array | string,
    options?: PutOptions,
  ): Promise<{ readonly etag: string }>;
  put(
    key: string,
    body: Readable,
    options: PutOptions & { readonly size: number },
  ): Promise<{ readonly etag: string }>;
  /**
   * Writes a stream of unknown length, in parts when it is long, each checked by its MD5. No object is left, and no parts are,
   * when the stream fails.
   */
  upload(
    key: string,
    body: Readable,
    options?: PutOptions,
  ): Promise<{ readonly etag: string; readonly size: number; readonly sha256: string }>;
  startParts(key: string, metadata: Partial<ObjectMetadata>): Promise<PartUpload>;
  unfinishedUploads(prefix: string): AsyncIterable<{
    readonly key: string;
    readonly uploadId: string;
    readonly initiated: Date;
  }>;
  abortUpload(key: string, uploadId: string): Promise<void>;
  /** Copies inside the bucket, on the server, metadata and tags included. `etag` guards the source. */
  copy(from: string, to: string, etag: string): Promise<void>;
  /** Keys that are not there are not an error. */
  delete(keys: readonly string[]): Promise<void>;
}

/** Where backups go. */
export interface Target {
  readonly store: ObjectStore;
  readonly bucket: string;
  readonly endpoint: string;
  /** Without slashes at its ends; never empty. */
  readonly prefix: string;
}

/** Where a bucket of artifacts is read from. */
export interface Source {
  readonly store: ObjectStore;
  readonly bucket: string;
  readonly endpoint: string;
}

// ---------------------------------------------------------------- what survives us

/** A change to somebody else's application that has to be undone. */
export interface JournalEntry {
  readonly application: string;
  /** The scale to put back. */
  readonly scale: number;
  /** The scale that we set. */
  readonly changedTo: number;
  /** ISO 8601. */
  readonly since: string;
}

/** What must be put back, on storage that survives a killed pod. One entry for each application. */
export interface Journal {
  entries(): Promise<readonly JournalEntry[]>;
  /** Resolves when the entry is on the disk: file and directory are fsynced. */
  record(entry: JournalEntry): Promise<void>;
  remove(application: string): Promise<void>;
  /** The newest complete backup that this unit made, for its status. */
  lastBackup(): Promise<LastBackup | undefined>;
  setLastBackup(backup: LastBackup): Promise<void>;
  /** The path that each database has to be handed since it was restored, by our endpoint; also by a hook, when the restore was killed. */
  databasePaths(): Promise<Readonly<Record<string, string>>>;
  setDatabasePath(endpoint: string, path: string): Promise<void>;
}

export interface LastBackup {
  readonly id: string;
  readonly bytes: number;
  readonly consistent: boolean;
  /** What verify-backup found last; absent until it has looked. */
  readonly verified?: 'intact' | 'damaged';
}

export interface Clock {
  now(): Date;
  /** Rejects with the signal's reason when it fires. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** How an operator sees what is going on. */
export interface Progress {
  /** A step of the story: into the action's log and the unit's status. */
  step(message: string): Promise<void>;
  /** A detail of the current step: into the action's log only. */
  note(message: string): Promise<void>;
}

// ---------------------------------------------------------------- all of it

/**
 * Everything that a backup touches. The connections are opened by the one who needs them, so that a check can
 * report each of them that fails.
 */
export interface World {
  /** `hurry`: milliseconds after which a controller that does not let us in is given up; without it, after half a minute. */
  openJuju(options?: { readonly hurry?: number }): Promise<JujuModel>;
  openKubernetes(): Promise<Kubernetes>;
  openTarget(): Promise<Target>;
  openSource(bucket: string): Promise<Source>;
  /** The application that is related to one of our database endpoints, `kfp-db` or `katib-db`; undefined when none is. */
  relatedDatabase(endpoint: string): Promise<string | undefined>;
  /** The path in S3 that the database at one of our endpoints was handed; undefined when none was. */
  handedPath(endpoint: string): Promise<string | undefined>;
  /** Hands it another path, which Juju passes on once this hook or action has ended with exit status 0. */
  handPath(endpoint: string, path: string): Promise<void>;
  readonly model: { readonly name: string; readonly uuid: string };
  readonly unit: string;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly progress: Progress;
  /** A directory for scratch files, on the container's own disk, that nobody else uses. Empty when the world is opened. */
  readonly scratch: string;
  /** Fires when Juju or Kubernetes asks us to stop. */
  readonly signal: AbortSignal;
}
