import { CharmError } from '../errors.ts';
import type { Progress } from '../world.ts';

/**
 * One error for all that a preflight found. A single problem is reported as it is. Several become `preflight-failed`, and each
 * of them gets a line of the action's log. `operation` is such as "a backup".
 */
export const reportProblems = async (
  progress: Progress,
  problems: readonly CharmError[],
  operation: string,
): Promise<CharmError> => {
  const [first] = problems;
  if (first !== undefined && problems.length === 1) return first;
  for (const { message, code } of problems) await progress.note(`Problem: ${message} [${code}]`);
  const all = problems
    .map(({ message, code }, index) => `(${index + 1}) ${message} [${code}]`)
    .join(' ');
  return new CharmError(
    'preflight-failed',
    `${problems.length} problems keep ${operation} from being made, and nothing was changed: ${all}`,
  );
};
