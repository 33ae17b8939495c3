import { CharmError } from '../errors.ts';
import { countText } from '../text.ts';
import { unlessAborted } from '../unless-aborted.ts';
import { waitUntil } from '../wait-until.ts';
import type { ApplicationStatus, Clock, JujuModel, ModelStatus } from '../world.ts';
import { mayLeave } from './leaving-units.ts';

interface WaitWorld {
  readonly juju: JujuModel;
  readonly clock: Clock;
}

interface WantedScale {
  readonly units: number;
  readonly timeoutSeconds: number;
  readonly signal?: AbortSignal;
}

/**
 * Waits until Juju has reached the desired scale and every unit is active and idle.
 * Rejects with `scale-timed-out`, which names the units that are not, and what they say.
 */
export const waitForScale = async (
  { juju, clock }: WaitWorld,
  application: string,
  { units, timeoutSeconds, signal }: WantedScale,
): Promise<ApplicationStatus> => {
  let status: ApplicationStatus | undefined;
  return waitUntil(
    { clock, seconds: timeoutSeconds, signal },
    async () => {
      status = applicationOf(await unlessAborted(juju.status(), signal), application);
      return isSettled(status, units) ? status : undefined;
    },
    () => {
      throw new CharmError(
        'scale-timed-out',
        `${application} did not reach ${countText(units, 'unit')} within ${timeoutSeconds} s: ${status ? describeUnits(status, units) : ''}.` +
          ` See juju status ${application} and kubectl describe pod for what it waits for (often memory or a volume).`,
      );
    },
  );
};

/**
 * Waits until no unit that may leave runs an action or a hook: its pod could go before the action
 * has ended, and no unit may join a database while its only unit is being restored.
 */
export const waitForActions = async (
  { juju, clock }: WaitWorld,
  application: ApplicationStatus,
  scale: number,
  timeoutSeconds: number,
): Promise<void> => {
  const findBusy = (now: ApplicationStatus): ApplicationStatus['units'][number] | undefined =>
    mayLeave(juju, now, scale).find(isExecuting);
  let busy = findBusy(application);
  if (busy === undefined) return;
  await waitUntil(
    { clock, seconds: timeoutSeconds },
    async () => {
      busy = findBusy(applicationOf(await juju.status(), application.name));
      return busy === undefined ? true : undefined;
    },
    () => {
      throw new CharmError(
        'scale-timed-out',
        `${busy?.name ?? application.name} was still at work after ${timeoutSeconds} s.`,
      );
    },
  );
};

/** Whether a unit runs an action, or a hook, which ends soon. */
const isExecuting = ({ agent }: ApplicationStatus['units'][number]): boolean =>
  agent.status === 'executing';

/**
 * Waits only for the number of units: an application that was not healthy before need not be
 * healthy after.
 */
export const waitForUnits = async (
  { juju, clock }: WaitWorld,
  application: string,
  units: number,
  timeoutSeconds: number,
): Promise<void> => {
  let found = 0;
  await waitUntil(
    { clock, seconds: timeoutSeconds },
    async () => {
      const status = applicationOf(await juju.status(), application);
      found = status.units.length;
      return status.scale === units && found === units ? true : undefined;
    },
    () => {
      throw new CharmError(
        'scale-timed-out',
        `it still has ${countText(found, 'unit')} after ${timeoutSeconds} s.`,
      );
    },
  );
};

const isSettled = ({ scale, units }: ApplicationStatus, wanted: number): boolean =>
  scale === wanted &&
  units.length === wanted &&
  units.every(({ workload, agent }) => workload.status === 'active' && agent.status === 'idle');

const applicationOf = (status: ModelStatus, name: string): ApplicationStatus => {
  const application = status.applications.get(name);
  if (application === undefined) {
    throw new CharmError(
      'application-missing',
      `The application ${name} is not in the model ${status.name} any more.`,
    );
  }
  return application;
};

/**
 * The units that are not active and idle, with their messages; when all are, how many units there
 * are.
 */
const describeUnits = ({ units }: ApplicationStatus, wanted: number): string => {
  const unwell = units
    .filter(({ workload, agent }) => workload.status !== 'active' || agent.status !== 'idle')
    .map(
      ({ name, workload, agent }) =>
        `${name} is ${workload.status} (${workload.message || agent.message || agent.status})`,
    );
  return unwell.length > 0 ? unwell.join(', ') : `it has ${units.length} of ${wanted}`;
};
