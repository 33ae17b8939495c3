import { CharmError, type ErrorCode, expectedFailures, orProblem } from '../errors.ts';
import type { Attempt, Journal } from '../world.ts';

/**
 * Writes to the journal how a backup ended, for the status. A backup is made also when that cannot
 * be written.
 */
export const rememberAttempt = async <T>(
  { journal, now }: { readonly journal: Journal; readonly now: () => Date },
  task: string,
  backUp: (at: string) => Promise<T>,
): Promise<T> => {
  const before = await orProblem(() => journal.lastAttempt());
  const at = now().toISOString();
  const note = (attempt: Attempt | undefined) => orProblem(() => journal.setLastAttempt(attempt));
  await note({ at, task, outcome: 'begun' });
  try {
    const result = await backUp(at);
    await note({ at, task, outcome: 'succeeded' });
    return result;
  } catch (error) {
    const code = expectedFailures(error)?.[0]?.code;
    const isOurs = code === undefined || code === 'interrupted' || code === 'stopped';
    if (!isOurs && ofTheRequest.has(code)) {
      // The action did not begin, so the outcome of the last backup that did stays.
      await note(before instanceof CharmError ? undefined : before);
    } else await note({ at, task, outcome: 'failed', ...(code !== undefined && { code }) });
    throw error;
  }
};

/**
 * These are about the request, or about another operation that runs, and not about a fault of the
 * last backup.
 */
export const ofTheRequest: ReadonlySet<ErrorCode> = new Set([
  'parameter-invalid',
  'not-leader',
  'backup-missing',
  'backup-protected',
  'backup-running',
  'workloads-running',
  'database-path-moved',
  'interrupted',
  'stopped',
  'set-damaged',
  'volumes-off',
  'volumes-failed',
  'volume-missing',
  'volume-in-use',
  'volume-not-started',
  'volume-locked',
  'volume-damaged',
  'volume-command-failed',
  'volume-backup-missing',
]);

/**
 * A result that the actions have that change the model and take so long that they may be killed.
 * The other actions have none.
 */
export const outcome = (action: string, text: string): Readonly<Record<string, string>> =>
  action === 'backup-control-plane' || action === 'restore-control-plane' ? { outcome: text } : {};

/** What stays as the result of an action that was killed. */
export const unfinishedOutcome = (application: string): string =>
  `unfinished: the process ended before it could say more. The next hook puts back what was changed (juju status ${application}); then run the action again`;
