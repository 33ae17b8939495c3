import { CharmError, reasonOf } from '../errors.ts';
import type {
  ApplicationStatus,
  Clock,
  Journal,
  JournalEntry,
  JujuModel,
  ModelStatus,
} from '../world.ts';
import { unlessAborted } from '../unless-aborted.ts';
import { describeUnits } from './describe-units.ts';
import { within } from './within.ts';
import { countText } from './wording.ts';

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
  const concerned = ({ units }: ApplicationStatus): ApplicationStatus['units'] =>
    units.length > scale ? units.slice(scale) : units;
  let units = concerned(application);
  while (units.some(runsAction)) {
    if (clock.now().getTime() >= deadline) {
      throw new CharmError(
        'scale-timed-out',
        `${units.find(runsAction)?.name ?? application.name} was still running an action after ${timeoutSeconds} s.`,
      );
    }
    await pace();
    units = concerned(applicationOf(await juju.status(), application.name));
  }
};

const runsAction = ({ agent }: ApplicationStatus['units'][number]): boolean =>
  agent.status === 'executing' && agent.message.startsWith('running action');

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

export const applicationOf = (status: ModelStatus, name: string): ApplicationStatus => {
  const application = status.applications.get(name);
  if (application === undefined) {
    throw new CharmError(
      'application-missing',
      `The application ${name} is not in the model ${status.name} any more.`,
    );
  }
  return application;
};
