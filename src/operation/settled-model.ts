import { countText, listText } from '../text.ts';
import { unlessAborted } from '../unless-aborted.ts';
import { waitUntil } from '../wait-until.ts';
import type { ApplicationStatus, Clock, JujuModel, ModelStatus, World } from '../world.ts';

/** Charms say for seconds in each of their hooks, even `update-status`, that they are in maintenance. */
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
 * The state of the model once none of these applications is at work with itself: no unit is in
 * maintenance, in a hook or on its way in or out. Waits for that for a minute at most, with a note;
 * what lasts longer is for the caller to judge.
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

/** What of the world is needed for it. */
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
