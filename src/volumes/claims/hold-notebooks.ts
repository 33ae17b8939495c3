import { CharmError, orProblem } from '../../errors.ts';
import { waitUntil } from '../../wait-until.ts';
import type { Journal, StoppedNotebook, VolumeAccess, World } from '../../world.ts';
import { usersOf } from './claims.ts';
import { startNotebook, stopNotebook } from './notebooks.ts';
import type { PlannedVolume } from './plan.ts';

/** Seconds that the pods of a notebook may take to end: their grace period is 30. */
const stopSeconds = 180;

/**
 * Runs the backup of a volume while the notebooks that use it are stopped. A notebook is stopped
 * once for all its volumes, from the first of them to the last, and started again whatever happens.
 */
export type WhileStopped = <T>(volume: PlannedVolume, work: () => Promise<T>) => Promise<T>;

/** What it takes of a session. */
export interface HoldingSession {
  readonly access: Pick<VolumeAccess, 'cluster'>;
  readonly journal: Journal;
  readonly world: Pick<World, 'clock' | 'progress' | 'signal'>;
}

export const holdNotebooks = (
  operation: HoldingSession,
  volumes: readonly PlannedVolume[],
): WhileStopped => {
  const { access, journal, world } = operation;
  const parts = { cluster: access.cluster, journal, clock: world.clock };
  /** How many volumes still need it stopped, by notebook. */
  const needed = new Map<string, number>();
  for (const { stop } of volumes)
    for (const name of stop) needed.set(name, (needed.get(name) ?? 0) + 1);
  const stopped = new Map<string, Promise<StoppedNotebook | undefined>>();

  const stopAll = async ({ claim, stop }: PlannedVolume): Promise<void> => {
    for (const name of stop) {
      const stopping = stopped.get(name) ?? stopNotebook(parts, claim.namespace, name);
      stopped.set(name, stopping);
      await stopping;
    }
    await waitUntilUnused(operation, claim);
  };
  const release = async ({ claim, stop }: PlannedVolume): Promise<void> => {
    for (const name of stop) {
      const left = (needed.get(name) ?? 1) - 1;
      needed.set(name, left);
      if (left > 0) continue;
      const held = await orProblem(async () => stopped.get(name));
      // When the stop failed half way, the journal still has it.
      const notebook =
        held instanceof CharmError
          ? (await journal.stoppedNotebooks()).find(
              (one) => one.namespace === claim.namespace && one.name === name,
            )
          : held;
      if (notebook === undefined) continue;
      const problem = await orProblem(() => startNotebook(parts, notebook));
      await world.progress.note(
        problem instanceof CharmError
          ? `${claim.namespace}/${name}: the notebook could not be started again. The next hook tries; by hand: kubectl annotate notebook --namespace ${claim.namespace} ${name} kubeflow-resource-stopped- (${problem.message})`
          : `${claim.namespace}/${name}: the notebook is started again`,
      );
    }
  };
  return async (volume, work) => {
    try {
      if (volume.stop.length > 0) await stopAll(volume);
      return await work();
    } finally {
      await release(volume);
    }
  };
};

const waitUntilUnused = async (
  { access, world }: HoldingSession,
  { namespace, name }: PlannedVolume['claim'],
): Promise<void> => {
  let pod = '';
  await waitUntil(
    { clock: world.clock, seconds: stopSeconds, signal: world.signal },
    async () => {
      const user = (await usersOf(access.cluster, namespace)).get(name);
      pod = user?.pod ?? '';
      return user === undefined ? true : undefined;
    },
    () => {
      throw new CharmError(
        'volume-in-use',
        `${namespace}/${name}: the pod ${pod} still has the volume ${stopSeconds} s after its notebook was stopped. There is no backup of it from this session. Look at the pod, or set volumes-in-use=live.`,
      );
    },
  );
};
