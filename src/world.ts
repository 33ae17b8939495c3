import type { KeyObject } from 'node:crypto';
import type { Clock } from './ports/clock.ts';
import type { CopyThread } from './ports/copy-thread.ts';
import type { Cluster } from './ports/cluster.ts';
import type { Journal } from './ports/journal.ts';
import type { JujuModel } from './ports/juju-model.ts';
import type { Kubernetes } from './ports/kubernetes.ts';
import type { NoticeSubject, Notifier } from './ports/notifier.ts';
import type { ObjectStore } from './ports/object-store.ts';
import type { RunLog } from './ports/run-log.ts';
import type { Progress } from './ports/progress.ts';
import type { VolumeAccess } from './ports/volumes.ts';

/*
 * The ports: one small interface for each outside system. What is promised here is what the
 * contract suites in tests/contracts check, for the in-memory fake and for the real adapter alike.
 * Unless said otherwise a method rejects with a CharmError for every failure that an operator can
 * meet.
 */
export type * from './ports/hook-tools.ts';
export type * from './ports/juju-model.ts';
export type * from './ports/kubernetes.ts';
export type * from './ports/object-store.ts';
export type * from './ports/journal.ts';
export type * from './ports/last-backup.ts';
export type * from './ports/clock.ts';
export type * from './ports/progress.ts';
export type * from './ports/cluster.ts';
export type * from './ports/copy-thread.ts';
export type * from './ports/fields.ts';
export type * from './ports/volumes.ts';
export type * from './ports/notifier.ts';
export type * from './ports/run-log.ts';
export type * from './ports/exporter.ts';

/** Where backups go. */
export interface Target {
  readonly store: ObjectStore;
  readonly bucket: string;
  readonly endpoint: string;
  /** Without slashes at its ends; never empty. */
  readonly prefix: string;
  /** Our own application, for the commands in messages. */
  readonly application: string;
}

/** Keys of Ed25519 for the signatures of sets. */
export interface SigningKeys {
  /** Signs; undefined where sets are only checked. */
  readonly signs: KeyObject | undefined;
  /** Public keys; the first belongs to `signs` where there is that one. */
  readonly trusted: readonly KeyObject[];
}

/** Where a bucket of artifacts is read from. */
export interface Source {
  readonly store: ObjectStore;
  readonly bucket: string;
  readonly endpoint: string;
}

/**
 * Everything outside of the charm that an operation touches. Connections are opened when they are
 * needed, so that a preflight can report each one that fails.
 */
export interface World {
  /**
   * `hurry`: milliseconds after which to give up when the controller does not let us in; half a
   * minute by default.
   */
  openJuju(options?: { readonly hurry?: number }): Promise<JujuModel>;
  /** `hurry` as for Juju. */
  openKubernetes(options?: { readonly hurry?: number }): Promise<Kubernetes>;
  /** With the keys that may delete for `retention`, where there are some of its own. */
  openTarget(purpose?: 'retention'): Promise<Target>;
  openSource(bucket: string): Promise<Source>;
  /** Starts a thread that copies between these buckets and the target. */
  startCopyThread(buckets: readonly string[]): Promise<CopyThread>;
  /** Undefined while sets are not signed. */
  openSigningKeys(): Promise<SigningKeys | undefined>;
  /**
   * What backups of users' volumes need beyond the target. Rejects with `volumes-off` when the
   * option volumes-key is not set. With the keys that may delete for `retention`, as `openTarget`.
   */
  openVolumes(purpose?: 'retention'): Promise<VolumeAccess>;
  /** The cluster alone: for what a session of volumes left there, also when S3 is away. */
  openCluster(): Promise<Cluster>;
  /**
   * For backups of the control plane by default. Undefined when nobody is to be told. Rejects with
   * `notify-url-unusable`.
   */
  openNotifier(about?: NoticeSubject): Promise<Notifier | undefined>;
  /** Undefined when nobody collects what runs say. */
  openRunLog(): Promise<RunLog | undefined>;
  /**
   * The application that is related to one of our database endpoints, `kfp-db` or `katib-db`;
   * undefined when none is.
   */
  relatedDatabase(endpoint: string): Promise<string | undefined>;
  /**
   * The path in S3 that the database at one of our endpoints was handed; undefined when none was.
   */
  handedPath(endpoint: string): Promise<string | undefined>;
  /**
   * Hands it another path. Juju passes it on when this hook or action has ended with exit status 0.
   */
  handPath(endpoint: string, path: string): Promise<void>;
  readonly model: { readonly name: string; readonly uuid: string };
  /** Our own application, which an operator may have given any name, and our unit of it. */
  readonly application: string;
  readonly unit: string;
  /** Identifies the machine and its boot. */
  readonly host: string;
  /** The task of the action that runs, as `juju show-task` wants it; undefined in a hook. */
  readonly task: string | undefined;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly progress: Progress;
  /**
   * A directory for scratch files, on the container's own disk, that nothing else uses. Empty when
   * the world is opened.
   */
  readonly scratch: string;
  /** Fires when Juju or Kubernetes asks us to stop. */
  readonly signal: AbortSignal;
  /** Fires when a backup takes longer than the option run-deadline; undefined for all else. */
  readonly deadline?: AbortSignal | undefined;
}
