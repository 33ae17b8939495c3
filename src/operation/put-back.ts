import { CharmError, orProblem } from '../errors.ts';
import { stillHeld, unfinished } from '../ports/journal.ts';
import type { World } from '../world.ts';
import { undo } from './hold-scale.ts';

/** A hook must not keep the unit for longer. The next hook goes on with what is left. */
const patienceSeconds = 120;

/**
 * Puts back what a killed process left: every scale in the journal, stopped applications first,
 * because Kubeflow misses them most. Needs only the controller, and may itself be killed at any
 * moment. Returns the problems of the scales that could not be put back yet; their entries stay in
 * the journal.
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

/**
 * The problems that the journal has with a new operation: it cannot be written, or it names a scale
 * that was not put back. The operation would take such a scale for the original one.
 */
export const journalProblems = async ({
  journal,
}: Pick<World, 'journal'>): Promise<CharmError[]> => {
  const unwritable = await orProblem(() => journal.probe());
  const entries = await orProblem(() => journal.entries());
  return [
    ...(unwritable instanceof CharmError ? [unwritable] : []),
    ...(entries instanceof CharmError ? [] : entries.map(stillHeld)),
  ];
};
