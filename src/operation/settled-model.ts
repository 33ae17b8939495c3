import { countText, listText } from '../text.ts';
import { unlessAborted } from '../unless-aborted.ts';
import { waitUntil } from '../wait-until.ts';
import type { ApplicationStatus, Clock, JujuModel, ModelStatus, World } from '../world.ts';

/** In each hook, even `update-status`, charms say for some seconds that they are in maintenance. */
const seconds = 60;
/** Milliseconds. */
const pause = 1000;

interface Settling {
  readonly juju: Pick<JujuModel, 'status'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly note: (message: string) => Promise<void>;
}

/**
 * Waits, for a minute at most and with a note, until none of these applications is busy: no unit is
 * in maintenance, runs a hook, or is being added or removed. Then, or after the minute, returns the
 * state of the model.
 */
export const settledModel = async (
  { juju, clock, signal, note }: Settling,
  applications: readonly string[],
): Promise<ModelStatus> => {
  const look = (): Promise<ModelStatus> => unlessAborted(juju.status(), signal);
  let isNoted = false;
  return waitUntil(
    { clock, seconds, pause, signal },
    async () => {
      const model = await look();
      const busy = applications.flatMap((name) => busyUnits(model.applications.get(name)));
      if (busy.length === 0) return model;
      if (!isNoted) await note(`Waiting for up to a minute for ${listText(busy)}`);
      isNoted = true;
      return undefined;
    },
    look,
  );
};

/** The parts of the world that `settledModel` needs. */
export const settling = ({ clock, signal, progress }: World): Omit<Settling, 'juju'> => ({
  clock,
  signal,
  note: (message) => progress.note(message),
});

const busyUnits = (application: ApplicationStatus | undefined): readonly string[] => {
  if (application === undefined || application.life !== 'alive') return [];
  const { name, units, scale } = application;
  const busy = units
    .filter(
      ({ workload, agent }) =>
        workload.status === 'maintenance' || ['executing', 'allocating'].includes(agent.status),
    )
    .map((unit) => `${unit.name} (${unit.workload.message || unit.agent.message || 'at work'})`);
  return busy.length === 0 && units.length !== scale
    ? [`${name} (${countText(units.length, 'unit')} of ${scale})`]
    : busy;
};
