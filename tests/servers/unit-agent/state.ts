/*
 * What Juju knows of one unit, as plain data: it can be written to a file and read back, and the
 * applications at the other ends of the relations are played by the test, which changes it between
 * two dispatches.
 */

export interface RelationState {
  /** The number after the colon of `s3-credentials:4`. */
  readonly id: number;
  readonly endpoint: string;
  readonly remoteApplication: string;
  remoteUnits: string[];
  localApplicationData: Record<string, string>;
  localUnitData: Record<string, string>;
  remoteApplicationData: Record<string, string>;
  remoteUnitsData: Record<string, Record<string, string>>;
  /** Set while `relation-broken` runs: Juju then lists no units. */
  broken?: boolean;
}

export interface SecretState {
  /** The 20 characters after `secret:`. */
  readonly id: string;
  /** `user`, or the name of the application that owns it. */
  readonly owner: string;
  label?: string;
  description?: string;
  /** When the hook secret-expired is due. ISO 8601. */
  expires?: string;
  /** Revision n is the n-th. */
  revisions: Record<string, string>[];
  /** Revisions that the owner removed; their content is gone. */
  removed?: number[];
  /** The applications that may read it. */
  grants: string[];
  /**
   * The revision that an application's first `secret-get` pinned, and the label it gave the secret.
   */
  consumers: Record<string, { revision: number; label?: string }>;
}

/** A filesystem that metadata.yaml asks for. */
export interface StorageState {
  /**
   * Counted over all storages of the model, so that the first `journal` of a unit may be
   * `journal/19`.
   */
  readonly id: number;
  /** A mount point below /var/lib/juju/storage, whose name counts for itself. */
  readonly location: string;
  /** Juju lists a storage before it is mounted, and `storage-get` fails until then. */
  mounted: boolean;
}

export interface CloudCredential {
  readonly endpoint: string;
  readonly token: string;
  /** PEM */
  readonly ca: string;
}

export interface UnitAgentState {
  readonly model: { readonly name: string; readonly uuid: string };
  readonly application: string;
  readonly unit: number;
  readonly jujuVersion: string;
  leader: boolean;
  /** What `juju config` has set; the defaults of config.yaml are added by the agent. */
  config: Record<string, string | number | boolean>;
  relations: RelationState[];
  secrets: SecretState[];
  /** By the name in metadata.yaml. One that was detached is not in it. */
  storage: Record<string, StorageState[]>;
  /** What a trusted application gets from credential-get; without it Juju refuses. */
  credential?: CloudCredential;
  /**
   * Why credential-get refuses although the application is trusted, as Juju did on Kubernetes
   * before 3.6.11.
   */
  credentialRefusal?: string;
  /** What a hook tool says in place of doing its work, by the tool's name. */
  toolFailures?: Record<string, string>;
  charmState: Record<string, string>;
  unitStatus: { status: string; message: string };
  applicationStatus: { status: string; message: string };
  workloadVersion: string;
}

/** A unit just deployed: leader, nothing related, nothing configured. */
export const newUnit = (change: Partial<UnitAgentState> = {}): UnitAgentState => ({
  model: { name: 'kubeflow', uuid: '6bf1b3d6-4d1c-4a60-8b4c-0d9ad6f7a2c1' },
  application: 'ckf-backup',
  unit: 0,
  jujuVersion: '3.6.14',
  leader: true,
  config: {},
  relations: [],
  secrets: [],
  storage: {},
  charmState: {},
  unitStatus: { status: 'maintenance', message: 'installing charm' },
  applicationStatus: { status: 'unknown', message: '' },
  workloadVersion: '',
  ...change,
});

/** A storage as it is once its volume has come. */
export const newStorage = (location: string, id = 19): StorageState => ({
  id,
  location,
  mounted: true,
});

/** A relation as it is once its other end has been added, with one unit there. */
export const newRelation = (
  id: number,
  endpoint: string,
  remoteApplication: string,
  remoteApplicationData: Record<string, string> = {},
): RelationState => ({
  id,
  endpoint,
  remoteApplication,
  remoteUnits: [`${remoteApplication}/0`],
  localApplicationData: {},
  localUnitData: {},
  remoteApplicationData,
  remoteUnitsData: {},
});

/** A secret with one revision. `id` must have 20 lower-case letters or digits. */
export const newSecret = (
  id: string,
  owner: string,
  content: Record<string, string>,
  grants: string[] = [],
): SecretState => ({ id, owner, revisions: [content], grants, consumers: {} });
