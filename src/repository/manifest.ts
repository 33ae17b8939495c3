import type { StorageLocation } from '../config/database-locations.ts';
import type { BackupId } from './layout.ts';

/**
 * What a backup set consists of, and all that a restore has to know. Times are ISO 8601, sizes are
 * bytes.
 */
export interface BackupManifest {
  readonly format: 1;
  readonly id: BackupId;
  readonly model: { readonly name: string; readonly uuid: string };
  readonly started: string;
  readonly finished: string;
  /** False when something ran, or started, while the backup was made; `running` says what. */
  readonly consistent: boolean;
  readonly running: readonly string[];
  readonly components: readonly string[];
  /**
   * What the S3 server did when the preflight tried it out. Absent from sets of earlier revisions.
   */
  readonly server?: ServerTraits;
  readonly databases: readonly DatabaseBackup[];
  readonly mlmd?: MlmdBackup;
  readonly buckets: readonly BucketBackup[];
  /**
   * Of all the rest, as it is stored; see signature.ts. Absent while the option signing-key is not
   * set.
   */
  readonly signature?: {
    readonly algorithm: 'Ed25519';
    /** Base64 of the key's SubjectPublicKeyInfo (RFC 8410). */
    readonly publicKey: string;
    /** Base64. */
    readonly value: string;
  };
  /** What took how long; absent from sets of earlier revisions. */
  readonly timeline?: readonly ManifestChapter[];
}

export interface ManifestChapter {
  readonly chapter: string;
  readonly began: string;
  readonly seconds: number;
  /** Who it waited for. */
  readonly waitedFor: string;
}

/** What an S3 server was seen to do, in our bucket, when a backup began. */
export interface ServerTraits {
  /** Whether it heeds `If-None-Match`. The charm does not rely on it. */
  readonly conditions: 'heeded' | 'ignored';
  /** Whether it refuses bytes that do not fit their Content-MD5. */
  readonly digests: 'checked' | 'ignored';
  /** `refused`: tags go to the object list. */
  readonly tags: 'kept' | 'refused';
  /** `limited`: not every key that S3 allows can be stored, or is listed afterwards. */
  readonly keys: 'any' | 'limited';
  /** Whether an object in parts has the ETag that S3 gives it; `unknown` when it was not tried. */
  readonly partEtags: 'md5' | 'other' | 'unknown';
  /**
   * Whether the bucket keeps what is overwritten, and has Object Lock. Absent from sets of earlier
   * revisions.
   */
  readonly versions?: 'kept' | 'replaced';
  readonly objectLock?: 'on' | 'off' | 'unknown';
  /** By how many seconds the clock of the unit was ahead of the server's. */
  readonly clockAheadSeconds: number;
}

export interface DatabaseBackup {
  /** The component, which has the name of our endpoint. */
  readonly component: string;
  readonly application: string;
  readonly unit: string;
  readonly charm: string;
  readonly revision?: number;
  readonly version: string;
  /**
   * mysql-k8s' own id, for its action `restore`. The code calls it `databaseBackupId`, since a
   * `BackupId` is the id of a set; only here it has the name that it has in S3.
   */
  readonly backupId: string;
  /** Where it lies in our bucket; absent when the database has an S3 storage of its own. */
  readonly path?: string;
  /**
   * Where the database's own S3 storage is; absent when it has none, and when nobody could tell.
   */
  readonly location?: StorageLocation;
  readonly size?: number;
  readonly objects?: number;
  /**
   * The digest of the names, sizes and ETags of its objects; see `createListingDigest`. Absent from
   * sets of earlier revisions.
   */
  readonly digest?: string;
  readonly seconds: number;
}

export interface MlmdBackup {
  readonly application: string;
  readonly key: string;
  readonly size: number;
  /** Hex, of the stored object. */
  readonly sha256: string;
  readonly schemaVersion: number;
  /** Rows of each table. */
  readonly rows: Readonly<Record<string, number>>;
  /**
   * SHA-256 of the content of each table; see components/mlmd/table-rows.ts. Absent from sets of
   * earlier revisions.
   */
  readonly digests?: Readonly<Record<string, string>>;
  /** How it was read: `python3`, `sqlite3` or `copy`. */
  readonly way: string;
  readonly seconds: number;
}

export interface BucketBackup {
  readonly bucket: string;
  /** The object list: its key, size and checksum. */
  readonly list: { readonly key: string; readonly size: number; readonly sha256: string };
  readonly objects: number;
  readonly size: number;
  readonly copied: number;
  readonly bytesCopied: number;
  readonly archived: number;
  readonly vanished: number;
  /** Objects whose tags are in the object list, because the target keeps none. */
  readonly tagsListed?: number;
  /** Objects whose tags the source could not read, and which have none in the set. */
  readonly tagsUnreadable?: number;
  /**
   * The set since which no object came back: what a set has from then on, and the set before it had
   * not, was written to the mirror between the two. Retention need not read some lists because of
   * this. Absent from sets of earlier revisions.
   */
  readonly noneCameBackSince?: BackupId;
  readonly seconds: number;
}
