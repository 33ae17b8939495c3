import { parseConfig } from '../config/config.ts';
import { CharmError, orProblem } from '../errors.ts';
import { unfinished } from '../ports/journal.ts';
import type { JournalEntry } from '../world.ts';
import type { Unit } from './unit.ts';

/**
 * Puts back what a killed action left changed, before anything else is done. It needs only the
 * journal and a login at Juju's controller, so it works even when other options or relations are
 * wrong, or S3 is down. When nothing is left to put back, nothing is loaded. Returns what could not
 * be put back yet, as one problem with the commands to do it by hand.
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
