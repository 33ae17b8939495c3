import { CharmError, reasonOf } from '../errors.ts';
import { countText } from '../text.ts';
import { assertStayingServe } from './cluster-status.ts';
import { unlessAborted } from '../unless-aborted.ts';
import type {
  ApplicationStatus,
  Clock,
  Journal,
  JournalEntry,
  JujuModel,
  ModelStatus,
} from '../world.ts';

/** A changed scale. Disposing of it is putting back; several calls put back once. */
export interface HeldScale extends AsyncDisposable {
  putBack(): Promise<void>;
}

export interface ScaleWorld {
  readonly juju: JujuModel;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Asks soon at first, for what takes a moment only, and every 3 s in the end. */
const createPace = (clock: Clock): ((signal?: AbortSignal) => Promise<void>) => {
  let milliseconds = 200;
  return async (signal) => {
    await clock.sleep(milliseconds, signal);
    milliseconds = Math.min(milliseconds * 1.5, 3000);
  };
};

/**
 * Gives an application another number of units, after the journal has what to put back. Returns at once;
 * `waitForScale` waits. Rejects with `scale-refused` when Juju refuses, and then nothing was changed.
 */
export const holdScale = async (
  world: ScaleWorld,
  application: ApplicationStatus,
  units: number,
  timeoutSeconds: number,
): Promise<HeldScale> => {
  const { name, scale } = application;
  const entry: JournalEntry = {
    application: name,
    scale,
    changedTo: units,
    since: world.clock.now().toISOString(),
  };
  await world.journal.record(entry);
  try {
    await unlessAborted(world.juju.scale(name, units), world.signal);
  } catch (error) {
    await undo(world, entry, timeoutSeconds);
    throw error;
  }
  let undone: Promise<void> | undefined;
  const putBack = (): Promise<void> => (undone ??= undo(world, entry, timeoutSeconds));
  return { putBack, [Symbol.asyncDispose]: putBack };
};

/**
 * Waits until Juju has reached the desired scale and every unit is active and idle.
 * Rejects with `scale-timed-out`, which names the units that are not, and what they say.
 */
export const waitForScale = async (
  { juju, clock }: Pick<ScaleWorld, 'juju' | 'clock'>,
  application: string,
  units: number,
  timeoutSeconds: number,
  signal?: AbortSignal,
): Promise<ApplicationStatus> => {
  const deadline = clock.now().getTime() + timeoutSeconds * 1000;
  const pace = createPace(clock);
  for (;;) {
    const status = applicationOf(await unlessAborted(juju.status(), signal), application);
    if (isSettled(status, units)) return status;
    if (clock.now().getTime() >= deadline) {
      throw new CharmError(
        'scale-timed-out',
        `${application} did not reach ${countText(units, 'unit')} within ${timeoutSeconds} s: ${describeUnits(status, units)}.` +
          ` See juju status ${application} and kubectl describe pod for what it waits for (often memory or a volume).`,
      );
    }
    await pace(signal);
  }
};

/**
 * Puts back what an entry of the journal says, unless somebody else has scaled the application since. Takes no longer than `timeoutSeconds`, or than
 * a pod has left once it was asked to stop, also when the controller is away.
 */
export const undo = async (
  world: ScaleWorld,
  entry: JournalEntry,
  timeoutSeconds: number,
): Promise<void> => {
  const { application, scale } = entry;
  try {
    await within(world, timeoutSeconds, () => scaleBack(world, entry, timeoutSeconds));
  } catch (error) {
    throw new CharmError(
      'scale-refused',
      `${application} could not be put back to ${countText(scale, 'unit')}: ${reasonOf(error)}` +
        ` The charm tries again at its next hook; by hand: juju scale-application ${application} ${scale}.`,
      { cause: error },
    );
  }
};

const scaleBack = async (
  world: ScaleWorld,
  { application, scale, changedTo }: JournalEntry,
  timeoutSeconds: number,
): Promise<void> => {
  const now = (await world.juju.status()).applications.get(application);
  if (now !== undefined && now.scale === changedTo && now.scale !== scale) {
    await waitForActions(world, now, scale, timeoutSeconds);
    if (now.units.length > scale)
      await assertStayingServe(
        world.juju,
        now,
        now.units.slice(0, scale).map(({ name }) => name),
      );
    await world.juju.scale(application, scale);
  }
  if (now !== undefined && (now.scale === changedTo || now.scale === scale)) {
    await waitForUnits(world, application, scale, timeoutSeconds);
  }
  await world.journal.remove(application);
};

/**
 * A unit that is to leave must not be in the middle of an action, because its pod may go before the action has ended; and while the only unit of a
 * database is restored, no other one may join it.
 */
const waitForActions = async (
  { juju, clock }: Omit<ScaleWorld, 'signal'>,
  application: ApplicationStatus,
  scale: number,
  timeoutSeconds: number,
): Promise<void> => {
  const deadline = clock.now().getTime() + timeoutSeconds * 1000;
  const pace = createPace(clock);
  const mayLeave = ({ units }: ApplicationStatus): ApplicationStatus['units'] =>
    units.length > scale && !losesLowestUnit(juju) ? units.slice(scale) : units;
  let units = mayLeave(application);
  while (units.some(isExecuting)) {
    if (clock.now().getTime() >= deadline) {
      throw new CharmError(
        'scale-timed-out',
        `${units.find(isExecuting)?.name ?? application.name} was still at work after ${timeoutSeconds} s.`,
      );
    }
    await pace();
    units = mayLeave(applicationOf(await juju.status(), application.name));
  }
};

/** An action, or a hook, which ends soon. */
const isExecuting = ({ agent }: ApplicationStatus['units'][number]): boolean =>
  agent.status === 'executing';

/**
 * Whether a smaller scale may take any unit away. Until Juju 4.0 the highest numbers leave; since 4.1 the lowest do
 * (juju/juju, worker caasapplicationprovisioner, 2026-08), which is not relied upon: it is too new.
 */
export const losesLowestUnit = ({
  controllerVersion,
}: Pick<JujuModel, 'controllerVersion'>): boolean => {
  const [major = 0, minor = 0] = controllerVersion
    .split('.')
    .map((part) => Number.parseInt(part, 10));
  return major > 4 || (major === 4 && minor >= 1);
};

/** Waits for the number of units only: an application that was unwell before need not be well after. */
const waitForUnits = async (
  { juju, clock }: Omit<ScaleWorld, 'signal'>,
  application: string,
  units: number,
  timeoutSeconds: number,
): Promise<void> => {
  const deadline = clock.now().getTime() + timeoutSeconds * 1000;
  const pace = createPace(clock);
  for (;;) {
    const status = applicationOf(await juju.status(), application);
    if (status.scale === units && status.units.length === units) return;
    if (clock.now().getTime() >= deadline) {
      throw new CharmError(
        'scale-timed-out',
        `it still has ${countText(status.units.length, 'unit')} after ${timeoutSeconds} s.`,
      );
    }
    await pace();
  }
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

/** A pod that is asked to stop has 30 s (Juju's terminationGracePeriodSeconds), of which some are needed for the rest. */
const terminationSeconds = 20;

/** The waits inside of `work` end a little earlier, and have more to say. */
const graceSeconds = 5;

/**
 * Waits for `work`, but not for longer than `seconds`, nor than 20 s after `signal` has fired; then rejects with `scale-timed-out`. The work itself is not
 * stopped by that.
 */
const within = async <T>(
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  seconds: number,
  work: () => Promise<T>,
): Promise<T> => {
  const over = new AbortController();
  const pass = async (some: number, until: AbortSignal): Promise<boolean> =>
    clock.sleep(some * 1000, until).then(
      () => true,
      () => false,
    );
  const limit = async (): Promise<never> => {
    const either = AbortSignal.any([signal, over.signal]);
    const passed = await pass(seconds + graceSeconds, either);
    if (!passed) await pass(terminationSeconds, over.signal);
    throw new CharmError(
      'scale-timed-out',
      passed
        ? `Juju did not do it within ${seconds} s.`
        : 'the unit was asked to stop, and Juju did not do it in the time that is left then.',
    );
  };
  try {
    return await Promise.race([work(), limit()]);
  } finally {
    over.abort();
  }
};

/** The units that are not active and idle, with what they say; or how many there are of those that were wanted. */
const describeUnits = ({ units }: ApplicationStatus, wanted: number): string => {
  const unwell = units
    .filter(({ workload, agent }) => workload.status !== 'active' || agent.status !== 'idle')
    .map(
      ({ name, workload, agent }) =>
        `${name} is ${workload.status} (${workload.message || agent.message || agent.status})`,
    );
  return unwell.length > 0 ? unwell.join(', ') : `it has ${units.length} of ${wanted}`;
};
