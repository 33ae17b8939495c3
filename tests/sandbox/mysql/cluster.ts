export type MemberState = 'ONLINE' | 'RECOVERING' | 'OFFLINE';

/**
 * A member of the InnoDB cluster. While it is backed up it is hidden from the routers and in
 * offline mode.
 */
export interface Member {
  readonly unit: string;
  role: 'PRIMARY' | 'SECONDARY';
  state: MemberState;
  hidden: boolean;
}

/** What survives of a database besides its rows. */
export interface Cluster {
  /**
   * group_replication_group_name: a new one whenever the cluster is created again, as by a restore.
   */
  groupId: string;
  members: Member[];
  /** The charm's `s3-block-message`; empty when S3 may be written to. */
  blocked: string;
}

/**
 * The cluster's status by the rules of MySQL Shell: the failures it tolerates are (online - 1) / 2,
 * rounded down, so that one or two healthy members are OK_NO_TOLERANCE (mysql-shell,
 * cluster_impl.cc).
 */
export const clusterStatus = (cluster: Cluster): { code: string; text: string } => {
  const online = cluster.members.filter(({ state }) => state === 'ONLINE').length;
  if (primaryOf(cluster) === undefined)
    return { code: 'NO_QUORUM', text: 'Cluster has no quorum as visible from this instance.' };
  const tolerated = Math.floor((online - 1) / 2);
  const absent = cluster.members.length - online;
  const missing =
    absent === 0 ? '' : ` ${absent} member${absent === 1 ? ' is' : 's are'} not active.`;
  const partial = absent === 0 ? '' : '_PARTIAL';
  if (tolerated === 0)
    return {
      code: `OK_NO_TOLERANCE${partial}`,
      text: `Cluster is NOT tolerant to any failures.${missing}`,
    };
  const failures = tolerated === 1 ? 'ONE failure' : `up to ${tolerated} failures`;
  return {
    code: `OK${partial}`,
    text: `Cluster is ONLINE and can tolerate ${failures}.${missing}`,
  };
};

export const primaryOf = (cluster: Cluster): Member | undefined =>
  cluster.members.find(({ role, state }) => role === 'PRIMARY' && state === 'ONLINE');

export const memberOf = (cluster: Cluster, unit: string): Member | undefined =>
  cluster.members.find((member) => member.unit === unit);
