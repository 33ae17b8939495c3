import { CharmError, reasonOf } from '../errors.ts';
import { countText } from '../text.ts';
import { unlessAborted } from '../unless-aborted.ts';
import type { ApplicationStatus, Clock, Journal, JournalEntry, JujuModel } from '../world.ts';
import { assertStayingServe } from './cluster-status.ts';
import { mayStay } from './leaving-units.ts';
import { waitForActions, waitForUnits } from './wait-for-scale.ts';

/** A changed scale. Disposing of it puts it back. Further calls do nothing. */
export interface HeldScale extends AsyncDisposable {
  putBack(): Promise<void>;
}

export interface ScaleWorld {
  readonly juju: JujuModel;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Notes the scale of an application in the journal, and then changes it. Returns at once;
 * `waitForScale` waits. Rejects with `scale-refused`, and with nothing changed, when Juju refuses.
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
 * Puts back the scale that is noted in the journal, unless an operator has changed the scale since.
 * Takes no longer than `timeoutSeconds`, nor than a pod has left after it was asked to stop, even
 * when the controller cannot be reached.
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
      {
        cause: error,
        brief: {
          what: `${application} is not put back`,
          run: `juju scale-application ${application} ${scale}`,
        },
      },
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
        mayStay(world.juju, now, scale).map(({ name }) => name),
      );
    await world.juju.scale(application, scale);
  }
  if (now !== undefined && (now.scale === changedTo || now.scale === scale)) {
    await waitForUnits(world, application, scale, timeoutSeconds);
  }
  await world.journal.remove(application);
};

/**
 * A pod that is asked to stop has 30 s (Juju's terminationGracePeriodSeconds), and needs some of
 * them for other things.
 */
const terminationSeconds = 20;

/** The waits inside of `work` end a little earlier, and their messages say more. */
const graceSeconds = 5;

/**
 * Waits for `work`, but not for longer than `seconds`, nor than 20 s after `signal` has fired; then
 * rejects with `scale-timed-out`. The work itself goes on.
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
