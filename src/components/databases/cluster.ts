import { CharmError } from '../../errors.ts';
import { clusterStatus, faultOf } from '../../operation/cluster-status.ts';
import type { Heartbeat } from '../../operation/heartbeat.ts';
import type { ScaleWorld } from '../../operation/hold-scale.ts';
import { unlessAborted } from '../../unless-aborted.ts';
import { waitUntil } from '../../wait-until.ts';
import type { ApplicationStatus, JujuModel } from '../../world.ts';

/*
 * This folder knows mysql-k8s: its cluster, the paths that it writes to, and the backups that it
 * makes.
 */

export interface DatabaseWorld extends ScaleWorld {
  readonly heartbeat: Heartbeat;
  /**
   * Fires when the backup has failed elsewhere and need not go on; `signal` fires when the process
   * has to end.
   */
  readonly cancelled: AbortSignal;
  readonly note: (message: string) => Promise<void>;
}

/** A database while it is backed up. */
interface DatabaseScale {
  readonly application: ApplicationStatus;
  /** How many units it has during the backup. */
  readonly units: number;
  readonly timeoutSeconds: number;
}

/**
 * Waits until all members are ONLINE, since a new unit is active in Juju before it has joined the
 * cluster. Then chooses a member that does not take the writes, the newest unit first. A database
 * with one unit is backed up on that unit.
 */
export const chooseMember = async (
  world: DatabaseWorld,
  { application, units, timeoutSeconds }: DatabaseScale,
): Promise<string> => {
  let fault: string | undefined;
  return waitUntil(
    { clock: world.clock, seconds: timeoutSeconds, pause: 5000, signal: world.cancelled },
    async () => {
      const cluster = await unlessAborted(clusterStatus(world.juju, application), world.cancelled);
      const members = cluster.members.toSorted((a, b) => numberOf(b.unit) - numberOf(a.unit));
      const chosen = units === 1 ? members[0] : members.find(({ role }) => role === 'secondary');
      fault = faultOf(cluster, units) ?? (chosen ? undefined : 'it has no secondary member');
      return fault === undefined ? chosen?.unit : undefined;
    },
    () => {
      throw new CharmError(
        'database-unhealthy',
        `${application.name} cannot be backed up: ${fault ?? ''}. No backup of it was made.` +
          ` See juju run ${application.name}/leader get-cluster-status.`,
      );
    },
  );
};

/**
 * Checks what a forced `create-backup` does not check. Rejects with `database-unhealthy` when it
 * must not be forced.
 */
export const assertSafeToForce = async (
  juju: JujuModel,
  application: ApplicationStatus,
  units: number,
  unit: string,
): Promise<void> => {
  const cluster = await clusterStatus(juju, application);
  const role = cluster.members.find((member) => member.unit === unit)?.role ?? 'not a member';
  const fault =
    faultOf(cluster, units) ??
    (units > 1 && role !== 'secondary' ? `${unit} is ${role} by now` : undefined);
  if (fault !== undefined) {
    throw new CharmError(
      'database-unhealthy',
      `${application.name} refused a backup as "Cluster is not in a healthy state", and it must not be forced: ${fault}.` +
        ` See juju run ${application.name}/leader get-cluster-status.`,
    );
  }
};

const numberOf = (unit: string): number => Number(unit.slice(unit.lastIndexOf('/') + 1));
