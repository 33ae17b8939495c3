import { CharmError } from '../errors.ts';
import type { ActionOutcome, ApplicationStatus, Clock, JujuModel } from '../world.ts';
import { parseClusterStatus, type ClusterStatus } from './databases/cluster-status.ts';
import { statusOfBackup } from './databases/backups.ts';
import type { Heartbeat } from './heartbeat.ts';
import { holdScale, waitForScale, type HeldScale, type ScaleWorld } from './hold-scale.ts';
import type { DatabaseBackup } from './manifest.ts';
import { unlessAborted } from './within.ts';
import { countText, durationText } from './wording.ts';

export interface DatabasePlan {
  readonly component: string;
  readonly application: ApplicationStatus;
  /** Whether it writes to the path that we hand it, or to an S3 storage of its own. */
  readonly isRelated: boolean;
  /** How many units it has while it is backed up; never fewer than it has. */
  readonly units: number;
  readonly timeoutSeconds: number;
}

export interface DatabaseWorld extends ScaleWorld {
  readonly heartbeat: Heartbeat;
  /** Fires when the backup is not worth going on with; `signal` fires when the process has to end. */
  readonly cancelled: AbortSignal;
  readonly note: (message: string) => Promise<void>;
}

const unhealthy = 'Cluster is not in a healthy state';

/**
 * Backs up one database: scales it up when it has too few units, runs `create-backup` on a member that does not serve writes, and
 * confirms that it is listed as finished. `hold` is told of the scale at once, and keeps it until it is put back.
 */
export const backUpDatabase = async (
  world: DatabaseWorld,
  plan: DatabasePlan,
  hold: (scale: HeldScale) => void,
): Promise<DatabaseBackup> => {
  const started = world.clock.now().getTime();
  const { name } = plan.application;
  const held = await scaleUp(world, plan, hold);
  const unit = await chooseMember(world, plan);
  const backupId = await createBackup(world, plan, unit);
  await unlessAborted(confirmFinished(world.juju, unit, backupId), world.cancelled);
  const seconds = (world.clock.now().getTime() - started) / 1000;
  await world.note(
    `${name}: backup ${backupId} finished on ${unit} after ${durationText(seconds)}`,
  );
  // The second unit is no longer needed; whoever awaits the hold at the end hears of a failure.
  held?.putBack().catch(() => undefined);
  return {
    component: plan.component,
    application: name,
    unit,
    charm: plan.application.charm,
    ...(plan.application.charmRevision !== undefined && {
      revision: plan.application.charmRevision,
    }),
    version: plan.application.workloadVersion,
    backupId,
    seconds,
  };
};

const scaleUp = async (
  world: DatabaseWorld,
  { application, units, timeoutSeconds }: DatabasePlan,
  hold: (scale: HeldScale) => void,
): Promise<HeldScale | undefined> => {
  if (units === application.scale) return undefined;
  await world.note(
    `${application.name}: scaling from ${application.scale} to ${countText(units, 'unit')}`,
  );
  const held = await holdScale(world, application, units, timeoutSeconds);
  hold(held);
  await world.heartbeat.during(
    since(world.clock, `${application.name}: waiting for ${countText(units, 'unit')}`),
    () => waitForScale(world, application.name, units, timeoutSeconds, world.cancelled),
  );
  return held;
};

/**
 * A member that is ONLINE and does not take the writes, once all members are ONLINE: a new unit is active in Juju before it has joined.
 * The newest unit is preferred. A database of one unit is backed up on that.
 */
const chooseMember = async (
  world: DatabaseWorld,
  { application, units, timeoutSeconds }: DatabasePlan,
): Promise<string> => {
  const deadline = world.clock.now().getTime() + timeoutSeconds * 1000;
  for (;;) {
    const cluster = await unlessAborted(clusterStatus(world.juju, application), world.cancelled);
    const fault = faultOf(cluster, units);
    const members = cluster.members.toSorted((a, b) => numberOf(b.unit) - numberOf(a.unit));
    const chosen = units === 1 ? members[0] : members.find(({ role }) => role === 'secondary');
    if (fault === undefined && chosen !== undefined) return chosen.unit;
    if (world.clock.now().getTime() >= deadline) {
      throw new CharmError(
        'database-unhealthy',
        `${application.name} cannot be backed up: ${fault ?? 'it has no secondary member'}. No backup of it was made.` +
          ` See juju run ${application.name}/leader get-cluster-status.`,
      );
    }
    await world.clock.sleep(5000, world.cancelled);
  }
};

/** Why a member of this cluster must not be taken for a backup now; undefined when all is well. */
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

/** Asks the first unit, which is there at every scale. */
export const clusterStatus = async (
  juju: JujuModel,
  application: ApplicationStatus,
): Promise<ClusterStatus> => {
  const unit = application.units[0]?.name ?? `${application.name}/0`;
  const outcome = await juju.runAction(unit, 'get-cluster-status', {});
  if (outcome.status !== 'completed') {
    throw new CharmError(
      'database-unhealthy',
      `${application.name} did not tell the state of its cluster: ${saidBy(outcome)}. See juju show-task ${outcome.task}.`,
    );
  }
  return parseClusterStatus(application.name, outcome.results);
};

const createBackup = async (
  world: DatabaseWorld,
  { application, units }: DatabasePlan,
  unit: string,
): Promise<string> => {
  await world.note(`${application.name}: create-backup on ${unit}`);
  let outcome = await runCreateBackup(world, unit, {});
  if (outcome.status === 'failed' && outcome.message.includes(unhealthy)) {
    // MySQL Shell calls one or two members that are all online OK_NO_TOLERANCE, and mysql-k8s from revision 300 on takes that for unhealthy.
    // Its `force` switches off every other check too, so they are made here, right before.
    await unlessAborted(assertSafeToForce(world.juju, application, units, unit), world.cancelled);
    await world.note(
      `${application.name}: all members are online, so create-backup again with force=true`,
    );
    outcome = await runCreateBackup(world, unit, { force: true });
  }
  const backupId = outcome.results['backup-id'];
  if (outcome.status !== 'completed' || typeof backupId !== 'string') {
    throw new CharmError(
      'database-backup-failed',
      `create-backup on ${unit} failed: ${saidBy(outcome)}. See juju show-task ${outcome.task} and juju debug-log --include ${unit}.`,
    );
  }
  return backupId;
};

const runCreateBackup = (
  { juju, heartbeat, clock, cancelled }: DatabaseWorld,
  unit: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<ActionOutcome> =>
  heartbeat.during(since(clock, `create-backup runs on ${unit}`), () =>
    juju.runAction(unit, 'create-backup', parameters, { signal: cancelled }),
  );

const assertSafeToForce = async (
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
      `${application.name} refused a backup as "${unhealthy}", and it must not be forced: ${fault}.` +
        ` See juju run ${application.name}/leader get-cluster-status.`,
    );
  }
};

const confirmFinished = async (juju: JujuModel, unit: string, backupId: string): Promise<void> => {
  const outcome = await juju.runAction(unit, 'list-backups', {});
  const status = statusOfBackup(outcome.results['backups'], backupId);
  if (status !== 'finished') {
    throw new CharmError(
      'database-backup-failed',
      `create-backup on ${unit} reported ${backupId}, but its list-backups says ${status ?? saidBy(outcome)}.` +
        ` See juju run ${unit} list-backups.`,
    );
  }
};

export const saidBy = ({ status, message }: ActionOutcome): string =>
  message || `the action ended as ${status}`;

const numberOf = (unit: string): number => Number(unit.slice(unit.lastIndexOf('/') + 1));

const since = (clock: Clock, what: string): (() => string) => {
  const started = clock.now().getTime();
  return () => `${what} (${durationText((clock.now().getTime() - started) / 1000)})`;
};
