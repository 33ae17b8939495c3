import { parseConfig } from '../config/config.ts';
import { CharmError, orProblem } from '../errors.ts';
import { unfinished } from '../operation/put-back.ts';
import type { JournalEntry } from '../world.ts';
import type { Unit } from './unit.ts';

/**
 * Puts back what a killed action left changed, before anything else is done. It needs the journal,
 * Juju's controller and the login there; no other option or relation that is wrong, and no store
 * that is away, stands in its way. Nothing is loaded when nothing is left. Returns what could not
 * be put back yet, as one problem that tells how to do it by hand.
 */
export const finishUndo = async (
  unit: Unit,
  entries: readonly JournalEntry[],
): Promise<readonly CharmError[]> => {
  if (entries.length === 0) return [];
  const names = entries.map(({ application }) => application).join(', ');
  const message = `Putting back what an interrupted operation changed: ${names}`;
  await unit.tools.setStatus({ name: 'maintenance', message }, 'unit').catch(() => undefined);
  const world = await orProblem(async () => {
    const { 'juju-credentials': credentials } = await unit.tools.config();
    return unit.openWorld(parseConfig({ 'juju-credentials': credentials }, unit.application));
  });
  if (world instanceof CharmError) return [unfinished(entries, world)];
  const problems = await unit.putBack(world);
  if (problems.length < 2) return problems;
  return [new CharmError('scale-refused', problems.map(({ message }) => message).join(' '))];
};
