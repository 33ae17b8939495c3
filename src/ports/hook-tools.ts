export type StatusName = 'maintenance' | 'blocked' | 'waiting' | 'active';

export interface Status {
  readonly name: StatusName;
  readonly message: string;
}

export type Databag = Readonly<Record<string, string>>;

/**
 * Juju's hook tools, one method for each command line. Each call is a process, so callers ask once.
 * Juju buffers relation and secret changes and commits them only when the process exits 0; status
 * and action-log go out at once.
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
  /** The status that this unit shows: one of ours, or one that Juju gave it, such as `error`. */
  unitStatus(): Promise<{ readonly name: string; readonly message: string }>;
  setWorkloadVersion(version: string): Promise<void>;
  log(level: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR', message: string): Promise<void>;

  /** Ids such as `s3-credentials:4`, in order. */
  relationIds(endpoint: string): Promise<readonly string[]>;
  /** The application at the other end; undefined while it is not known. */
  remoteApplication(relationId: string): Promise<string | undefined>;
  /**
   * An application's databag; empty while there is nothing in it, or when the relation has gone.
   */
  applicationData(relationId: string, application: string): Promise<Databag>;
  /** Merges into our application's databag; an empty string deletes the key. Leader only. */
  setApplicationData(relationId: string, data: Databag): Promise<void>;
  /** The databags of the units at the other end. */
  remoteUnitsData(relationId: string): Promise<readonly Databag[]>;
  /** Merges into our unit's databag. */
  setUnitData(relationId: string, data: Databag): Promise<void>;
  /**
   * Where others in the cluster reach our unit through an endpoint: the pod's address, or a name
   * from Juju 4.1 on. Undefined while Juju does not know it.
   */
  bindAddress(endpoint: string): Promise<string | undefined>;

  /**
   * The newest revision of a secret. Rejects with `juju-credentials-not-granted` when Juju says
   * "permission denied" and with `juju-credentials-missing` when it does not know the secret.
   */
  secret(id: string): Promise<Databag>;
  /**
   * Creates the secret of this label, or writes a new revision of it when its content differs.
   * Returns its URI.
   */
  ownSecret(label: string, content: Databag): Promise<string>;
  grantSecret(id: string, relationId: string): Promise<void>;
  /** Removes a secret of ours, or one revision of it. Does nothing when it is gone already. */
  removeSecret(id: string, revision?: number): Promise<void>;
  /**
   * Asks Juju for the hook secret-expired at a time, to the second, on whichever unit leads then;
   * undefined removes the alarm. It is the expiry of a secret with this label, whose content has no
   * meaning. The hook may come a minute early, or late. Until another time is set it comes again
   * every five minutes.
   */
  setAlarm(label: string, at: Date | undefined): Promise<void>;

  /** Where the filesystem storage of this name is mounted; undefined while it is not attached. */
  storageLocation(name: string): Promise<string | undefined>;
  /**
   * What a trusted application may use to speak to its Kubernetes; undefined when Juju refuses (not
   * trusted).
   */
  cloudCredential(): Promise<ClusterAccess | undefined>;
  /**
   * Whether an operator trusts our application with the cluster; undefined when Juju does not say.
   */
  isTrusted(): Promise<boolean | undefined>;
}

export interface ClusterAccess {
  /** `https://host:port` of the API server. */
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
}
