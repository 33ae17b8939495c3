import { CharmError } from '../../src/errors.ts';
import type { ClusterAccess, Databag, HookTools, Status } from '../../src/world.ts';

interface FakeRelation {
  readonly application: string;
  readonly remote: Databag;
  readonly ours: Record<string, string>;
  readonly unit?: Record<string, string>;
  readonly remoteUnits?: readonly Databag[];
}

interface FakeSecret {
  readonly content: Databag;
  readonly granted: boolean;
  readonly label?: string;
  readonly grants: string[];
}

/** A unit's Juju in memory: give it a state, and look at what was written. */
export class FakeHookTools implements HookTools {
  leader = true;
  options: Record<string, unknown> = {};
  parameters: Record<string, unknown> = {};
  status: Status = { name: 'maintenance', message: '' };
  applicationStatus: Status | undefined;
  version = '';
  location: string | undefined;
  credential: ClusterAccess | undefined;
  trusted: boolean | undefined = true;
  readonly relations = new Map<string, FakeRelation>();
  readonly secrets = new Map<string, FakeSecret>();
  readonly logs: string[] = [];
  readonly actionLogs: string[] = [];
  readonly results: Record<string, string> = {};
  failure: string | undefined;

  actionParameters = async (): Promise<Readonly<Record<string, unknown>>> => this.parameters;
  actionLog = async (message: string): Promise<void> => void this.actionLogs.push(message);
  actionSet = async (results: Readonly<Record<string, string>>): Promise<void> => {
    for (const key of Object.keys(results))
      if (!/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/.test(key))
        throw new Error(`Juju's action-set failed with exit status 2: key "${key}"`);
    Object.assign(this.results, results);
  };
  actionFail = async (message: string): Promise<void> => {
    this.failure = message;
  };

  config = async (): Promise<Readonly<Record<string, unknown>>> => this.options;
  isLeader = async (): Promise<boolean> => this.leader;
  setStatus = async (status: Status, of: 'unit' | 'application'): Promise<void> => {
    if (of === 'unit') this.status = status;
    else {
      this.mustLead();
      this.applicationStatus = status;
    }
  };
  unitStatus = async () => ({ ...this.status });
  setWorkloadVersion = async (version: string): Promise<void> => {
    this.version = version;
  };
  log = async (level: string, message: string): Promise<void> =>
    void this.logs.push(`${level} ${message}`);

  relationIds = async (endpoint: string): Promise<readonly string[]> =>
    [...this.relations.keys()].filter((id) => id.startsWith(`${endpoint}:`)).sort();
  remoteApplication = async (relationId: string): Promise<string | undefined> =>
    this.relations.get(relationId)?.application;
  applicationData = async (relationId: string, application: string): Promise<Databag> => {
    const relation = this.relations.get(relationId);
    if (relation === undefined) return {};
    const isPeer = relationId.startsWith('ckf-backup-peers:');
    if (isPeer || application !== relation.application) return { ...relation.ours };
    return { ...relation.remote };
  };
  setApplicationData = async (relationId: string, data: Databag): Promise<void> => {
    const ours = this.relations.get(relationId)?.ours;
    if (ours === undefined || Object.keys(data).length === 0) return;
    this.mustLead();
    for (const [key, value] of Object.entries(data))
      if (value === '') Reflect.deleteProperty(ours, key);
      else ours[key] = value;
  };

  remoteUnitsData = async (relationId: string): Promise<readonly Databag[]> =>
    this.relations.get(relationId)?.remoteUnits ?? [];
  address: string | undefined = '10.1.0.1';
  setUnitData = async (relationId: string, data: Databag): Promise<void> =>
    void Object.assign(this.relations.get(relationId)?.unit ?? {}, data);
  bindAddress = async (): Promise<string | undefined> => this.address;

  secret = async (id: string): Promise<Databag> => {
    const secret = this.secrets.get(id);
    if (secret === undefined) throw new CharmError('juju-credentials-missing', `No ${id}.`);
    if (!secret.granted) throw new CharmError('juju-credentials-not-granted', `Not ${id}.`);
    return { ...secret.content };
  };
  ownSecret = async (label: string, content: Databag): Promise<string> => {
    this.mustLead();
    const known = [...this.secrets].find(([, secret]) => secret.label === label);
    const id = known?.[0] ?? `secret:${String(this.secrets.size).padStart(20, 'x')}`;
    this.secrets.set(id, { grants: [], ...known?.[1], content, label, granted: true });
    return id;
  };
  grantSecret = async (id: string, relationId: string): Promise<void> => {
    const application = this.relations.get(relationId)?.application;
    if (application !== undefined) this.secrets.get(id)?.grants.push(application);
  };
  readonly alarms = new Map<string, Date>();
  setAlarm = async (label: string, at: Date | undefined): Promise<void> => {
    this.mustLead();
    if (at === undefined) this.alarms.delete(label);
    else this.alarms.set(label, at);
  };
  /** Each as `<id> <revision>`. */
  readonly removedRevisions: string[] = [];
  removeSecret = async (id: string, revision?: number): Promise<void> => {
    this.mustLead();
    if (revision === undefined) this.secrets.delete(id);
    else if (this.secrets.has(id)) this.removedRevisions.push(`${id} ${revision}`);
  };

  storageLocation = async (): Promise<string | undefined> => this.location;
  cloudCredential = async (): Promise<ClusterAccess | undefined> => this.credential;

  isTrusted = async (): Promise<boolean | undefined> => this.trusted;

  private mustLead(): void {
    if (!this.leader) throw new Error('this unit is not the leader');
  }
}
