import { countText, listText } from '../text.ts';
import { unlessAborted } from '../unless-aborted.ts';
import type { ApplicationStatus, Clock, JujuModel, ModelStatus, World } from '../world.ts';

/** In each hook, even `update-status`, charms say for some seconds that they are in maintenance. */
const patience = 60_000;
/** Milliseconds, as `patience` is. */
const pause = 1000;

interface Settling {
  readonly juju: Pick<JujuModel, 'status'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly note: (message: string) => Promise<void>;
}

/**
 * The state of the model once each of these applications was seen at rest: no unit in maintenance,
 * in a hook or on its way in or out. They need not rest at the same moment, because the hooks of
 * many seldom do. Waits for that for a minute at most, with a note; what lasts longer is for the
 * caller to judge.
 */
export const settledModel = async (
  { juju, clock, signal, note }: Settling,
  applications: readonly string[],
): Promise<ModelStatus> => {
  const deadline = clock.now().getTime() + patience;
  const rested = new Map<string, ApplicationStatus>();
  for (let isNoted = false; ;) {
    const model = await unlessAborted(juju.status(), signal);
    const busy = applications.flatMap((name) => {
      const application = model.applications.get(name);
      const units = busyUnits(application);
      if (application !== undefined && units.length === 0) rested.set(name, application);
      return rested.has(name) ? [] : units;
    });
    if (busy.length === 0 || clock.now().getTime() >= deadline)
      return { ...model, applications: new Map([...model.applications, ...rested]) };
    if (!isNoted) await note(`Waiting for up to a minute for ${listText(busy)}`);
    isNoted = true;
    await clock.sleep(pause, signal);
  }
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
  // What does not pass by itself is reported at once. Waiting would only delay that.
  if (units.some(isStuck)) return [];
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

const isStuck = ({ workload, agent }: ApplicationStatus['units'][number]): boolean =>
  ['error', 'blocked'].includes(workload.status) ||
  ['error', 'failed', 'lost'].includes(agent.status);
