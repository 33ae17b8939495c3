import { CharmError, orProblem } from '../errors.ts';
import type { World } from '../world.ts';
import { undo } from './hold-scale.ts';
import { unfinished } from './unfinished.ts';

/** A hook must not keep the unit for longer; what is not settled by then is looked at again by the next hook. */
const patienceSeconds = 120;

/**
 * Finishes what a killed process left: every scale that the journal names goes back to the recorded number, stopped applications first,
 * because Kubeflow lacks them. Needs the controller only, and may itself be killed at any moment. Returns what could not be put back yet; those entries stay in the journal.
 */
export const putBack = async (world: World): Promise<readonly CharmError[]> => {
  const entries = await world.journal.entries();
  if (entries.length === 0) return [];
  const juju = await orProblem(() => world.openJuju());
  if (juju instanceof CharmError) return [unfinished(entries, juju)];
  await using model = juju;
  const { journal, clock, signal } = world;
  const problems: CharmError[] = [];
  for (const entry of entries.toSorted((a, b) => a.changedTo - b.changedTo)) {
    const undone = await orProblem(() =>
      undo({ juju: model, journal, clock, signal }, entry, patienceSeconds),
    );
    if (undone instanceof CharmError) problems.push(undone);
  }
  return problems;
};
