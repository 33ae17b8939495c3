import { isFields } from '../ports/fields.ts';
import { CharmError, orProblem } from '../errors.ts';
import { countText } from '../text.ts';
import type { ActionOutcome, ApplicationStatus, JujuModel } from '../world.ts';
import { lastingUnit } from './leaving-units.ts';

/** Why a cluster is not healthy; undefined when it is. */
export const faultOf = ({ members }: ClusterStatus, units: number): string | undefined => {
  const offline = members.find(({ state }) => state !== 'online');
  if (offline !== undefined)
    return `member ${offline.unit} is ${offline.state || 'in an unknown state'}`;
  const hidden = members.find((member) => member.hidden);
  if (hidden !== undefined)
    return `member ${hidden.unit} is hidden or offline, as it is during a backup`;
  if (members.length !== units)
    return `its cluster has ${countText(members.length, 'member')} for ${countText(units, 'unit')}`;
  return undefined;
};

/** Why the cluster of a database is not whole, as its own charm tells it; undefined when it is. */
export const clusterProblem = async (
  juju: JujuModel,
  application: ApplicationStatus,
): Promise<CharmError | undefined> => {
  const { name, units } = application;
  const status = await orProblem(() => clusterStatus(juju, application));
  if (status instanceof CharmError) return status;
  const fault = faultOf(status, units.length);
  return fault === undefined
    ? undefined
    : new CharmError(
        'database-unhealthy',
        `${name} is not healthy: ${fault}. See juju run ${name}/leader get-cluster-status.`,
      );
};

/**
 * Asks a unit that is there now and works: the first one may have left, and one that was never
 * scheduled does not answer.
 */
export const clusterStatus = async (
  juju: JujuModel,
  application: ApplicationStatus,
): Promise<ClusterStatus> => {
  const { name } = application;
  const now = (await juju.status()).applications.get(name) ?? application;
  const atWork = now.units.filter(({ workload }) => workload.status === 'active');
  const asked = atWork.length > 0 ? { ...now, units: atWork } : now;
  const unit = lastingUnit(juju, asked) ?? `${name}/0`;
  const outcome = await juju.runAction(unit, 'get-cluster-status', {});
  if (outcome.status !== 'completed') {
    throw new CharmError(
      'database-unhealthy',
      `${application.name} did not tell the state of its cluster: ${saidBy(outcome)}. See juju show-task ${outcome.task}.`,
    );
  }
  return parseClusterStatus(application.name, outcome.results);
};

/**
 * Rejects with `database-unhealthy` when a database would lose units while a unit that may stay
 * does not serve: the data could then be left to a member that is not online. Does nothing for an
 * application that is no database.
 */
export const assertStayingServe = async (
  juju: JujuModel,
  application: ApplicationStatus,
  mayStay: readonly string[],
): Promise<void> => {
  if (mayStay.length === 0) return;
  if (!(await juju.actionNames(application.name)).includes('get-cluster-status')) return;
  const { members } = await clusterStatus(juju, application);
  const stateOf = (unit: string): string =>
    members.find((member) => member.unit === unit)?.state ?? 'not a member of the cluster';
  const away = mayStay.find((unit) => stateOf(unit) !== 'online');
  if (away === undefined) return;
  throw new CharmError(
    'database-unhealthy',
    `${away}, which may be the one that stays, is ${stateOf(away) || 'in an unknown state'}, so no unit was taken away.` +
      ` See juju run ${application.name}/leader get-cluster-status.`,
  );
};

export const saidBy = ({ status, message }: ActionOutcome): string =>
  message || `the action ended as ${status}`;

/** An InnoDB cluster as mysql-k8s' action `get-cluster-status` describes it. */
interface ClusterStatus {
  /** Lower case: `ok`, `ok_no_tolerance`, `no_quorum`, … */
  readonly status: string;
  readonly members: readonly ClusterMember[];
}

interface ClusterMember {
  /** `kfp-db/1` */
  readonly unit: string;
  /** Lower case: `primary` or `secondary`. */
  readonly role: string;
  /** Lower case: `online`, `recovering`, `offline`, … */
  readonly state: string;
  /** In `offline_mode` or hidden from the router, as a member is while it makes a backup. */
  readonly hidden: boolean;
}

/**
 * Reads the results of `get-cluster-status`. mysql-k8s on track 8.0 gives a map with every key and
 * value in lower case; track 8.4 gives JSON text with the case kept (mysql-k8s
 * `get_cluster_status`, both tracks). Rejects with `database-unhealthy` when there is no topology.
 */
export const parseClusterStatus = (
  application: string,
  results: Readonly<Record<string, unknown>>,
): ClusterStatus => {
  const replicaSet = child(lowerCased(results['status']), 'defaultreplicaset');
  const topology = child(replicaSet, 'topology');
  if (replicaSet === undefined || topology === undefined) {
    const message = typeof results['message'] === 'string' ? `: ${results['message']}` : '';
    throw new CharmError(
      'database-unhealthy',
      `${application} did not tell the state of its cluster${message}. See juju run ${application}/leader get-cluster-status.`,
    );
  }
  return {
    status: textOf(replicaSet['status']),
    members: Object.entries(topology).map(([name, member]) => memberOf(name, member)),
  };
};

const memberOf = (name: string, value: unknown): ClusterMember => {
  const member = isFields(value) ? value : {};
  const errors = JSON.stringify(member['instanceerrors'] ?? '');
  return {
    unit: name.replace(/-(\d+)$/, '/$1'),
    role: textOf(member['memberrole'] ?? member['role']),
    state: textOf(member['status']),
    hidden:
      errors.includes('offline_mode') ||
      [true, 'true'].some((value) => value === member['hiddenfromrouter']),
  };
};

const lowerCased = (status: unknown): unknown => {
  const json = typeof status === 'string' ? status : JSON.stringify(status ?? null);
  try {
    return JSON.parse(json.toLowerCase());
  } catch {
    return undefined;
  }
};

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const child = (value: unknown, key: string): Readonly<Record<string, unknown>> | undefined => {
  const found = isFields(value) ? value[key] : undefined;
  return isFields(found) ? found : undefined;
};
