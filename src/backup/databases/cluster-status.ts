import { CharmError } from '../../errors.ts';

/** An InnoDB cluster as mysql-k8s' action `get-cluster-status` describes it. */
export interface ClusterStatus {
  /** Lower case: `ok`, `ok_no_tolerance`, `no_quorum`, … */
  readonly status: string;
  readonly members: readonly ClusterMember[];
}

export interface ClusterMember {
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
 * Reads the results of `get-cluster-status`. mysql-k8s on track 8.0 gives a map with every key and value in lower case; track 8.4 gives
 * JSON text with the case kept (mysql-k8s `get_cluster_status`, both tracks). Rejects with `database-unhealthy` when there is no topology.
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
  const member = isRecord(value) ? value : {};
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

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const child = (value: unknown, key: string): Readonly<Record<string, unknown>> | undefined => {
  const found = isRecord(value) ? value[key] : undefined;
  return isRecord(found) ? found : undefined;
};
