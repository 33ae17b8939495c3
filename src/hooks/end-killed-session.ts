import type { Config } from '../config/config.ts';
import { CharmError, orProblem } from '../errors.ts';
import type { Unit } from './unit.ts';

/**
 * Ends a session of users' volumes that was killed in this unit, so that nothing of it stays in any
 * namespace. What cannot be done now stays in the journal for the next hook. When no session was
 * killed, nothing is loaded.
 */
export const endKilledSession = async (unit: Unit, config: Config): Promise<void> => {
  await startNotebooks(unit, config);
  const session = await orProblem(() => unit.journal.volumeSession());
  if (session === undefined || session instanceof CharmError) return;
  const problem = await orProblem(async () => {
    const dead = await import('../volumes/dead-session.ts');
    await dead.endKilledSession(await unit.openWorld(config));
    await unit.tools.log(
      'INFO',
      `The session ${session} of volumes was killed; it is cleared away.`,
    );
  });
  if (problem instanceof CharmError)
    await unit.tools.log(
      'WARNING',
      `The session ${session} of volumes was killed. The next hook clears away what it left: ${problem.message}`,
    );
};

/** First, because their users wait for them, and it does not need S3. */
const startNotebooks = async (unit: Unit, config: Config): Promise<void> => {
  const stopped = await orProblem(() => unit.journal.stoppedNotebooks());
  if (stopped instanceof CharmError || stopped.length === 0) return;
  const names = stopped.map(({ namespace, name }) => `${namespace}/${name}`).join(', ');
  const problem = await orProblem(async () => {
    const { startStoppedNotebooks } = await import('../volumes/dead-session.ts');
    await startStoppedNotebooks(await unit.openWorld(config));
    await unit.tools.log('INFO', `Notebooks that a killed backup had stopped run again: ${names}.`);
  });
  if (problem instanceof CharmError)
    await unit.tools.log(
      'WARNING',
      `The notebooks ${names} are still stopped by a backup that was killed. The next hook starts them: ${problem.message}`,
    );
};
