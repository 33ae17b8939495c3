import type { Cluster } from './cluster.ts';
import type { MysqlProfile } from './profiles.ts';

/** One application of the charm mysql-k8s, as its actions see it. */
export interface Database {
  readonly application: string;
  readonly model: string;
  readonly profile: MysqlProfile;
  readonly cluster: Cluster;
  /** The SQLite file that stands for the data directory. */
  readonly dataFile: string;
  readonly faults: MysqlFaults;
  /** What one slow step takes, in milliseconds: a backup takes a few of them. */
  readonly pace: number;
  plannedUnits(): number;
  /**
   * The databag of the provider of `s3-parameters`, secrets filled in; undefined without a
   * relation.
   */
  s3(): Readonly<Record<string, string>> | undefined;
  setUnitStatus(
    unit: string,
    status: 'active' | 'maintenance' | 'waiting' | 'blocked',
    message: string,
  ): void;
  /**
   * What the charm's update-status says about every unit and the application; keeps the cluster's
   * state.
   */
  refresh(): void;
}

/** What a database can be told to do wrong. */
export interface MysqlFaults {
  /** create-backup fails while xbcloud uploads, after its metadata were written. */
  uploadFails?: boolean;
  /** Milliseconds that create-backup hangs after it wrote its metadata. */
  backupHangs?: number;
  /** create-backup says that it succeeded, but the object that marks success never comes. */
  markerMissing?: boolean;
  /** A unit that joins stays RECOVERING, or its hook fails. */
  joinStalls?: boolean;
  joinFails?: boolean;
  mysqldStopped?: boolean;
}

/** An action's failure, with the message that action-fail was given. */
export class ActionFailed extends Error {}
