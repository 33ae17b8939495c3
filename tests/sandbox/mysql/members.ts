import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { claimPath } from './claim.ts';
import { type Cluster, type Member, memberOf } from './cluster.ts';
import type { Database } from './database.ts';

export const newCluster = (application: string, units: number): Cluster => ({
  groupId: randomUUID(),
  members: Array.from({ length: units }, (_, unit) => ({
    unit: `${application}/${unit}`,
    role: unit === 0 ? 'PRIMARY' : 'SECONDARY',
    state: 'ONLINE',
    hidden: false,
  })),
  blocked: '',
});

/**
 * The hooks of a new unit, until it is a ready secondary. The first unit after a scale of zero
 * creates a new cluster, as the charm does, and so with another group id.
 */
export const joinCluster = async (
  database: Database,
  unit: string,
  signal: AbortSignal,
): Promise<void> => {
  const { cluster, faults, pace } = database;
  // The box may have been killed while the unit joined, and saved what it knew then.
  cluster.members = cluster.members.filter((member) => member.unit !== unit);
  database.setUnitStatus(unit, 'waiting', 'Waiting for instance to join the cluster');
  await sleep(pace, undefined, { signal });
  if (cluster.members.length === 0) {
    cluster.groupId = randomUUID();
    cluster.members.push({ unit, role: 'PRIMARY', state: 'ONLINE', hidden: false });
    await claimPath(database);
    database.refresh();
    return;
  }
  database.setUnitStatus(unit, 'maintenance', 'joining the cluster');
  const member: Member = { unit, role: 'SECONDARY', state: 'RECOVERING', hidden: false };
  cluster.members.push(member);
  await sleep(pace, undefined, { signal });
  if (faults.joinFails === true) throw new Error('add_instance failed');
  if (faults.joinStalls !== true) member.state = 'ONLINE';
  database.refresh();
};

/** A leaving primary hands over to unit 0 first. */
export const leaveCluster = (database: Database, unit: string): void => {
  const { cluster } = database;
  const leaving = memberOf(cluster, unit);
  cluster.members = cluster.members.filter((member) => member !== leaving);
  if (leaving?.role === 'PRIMARY' && cluster.members[0]) cluster.members[0].role = 'PRIMARY';
  database.refresh();
};
