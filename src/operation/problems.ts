import { CharmError, errorCodes, longestMessage } from '../errors.ts';
import { countText, excerpt } from '../text.ts';
import type { Progress } from '../world.ts';

/**
 * Turns the problems that keep an operation from beginning into one error: the only problem itself,
 * or `preflight-failed`, which has all of them. Several problems are also written to the action's
 * log, as numbered lines. Problems that an operator must solve come before those that may pass by
 * themselves. A server that is away is one problem, however often it was asked.
 *
 * @param operation such as `a backup`
 */
export const reportProblems = async (
  progress: Progress,
  found: readonly CharmError[],
  operation: string,
): Promise<CharmError> => {
  const hindered = `keep ${operation} from being made`;
  const different = found.filter(
    ({ why }, index) => !found.slice(0, index).some((earlier) => earlier.why === why),
  );
  const problems = [...ofKind('operator', different), ...ofKind('transient', different)];
  const [first] = problems;
  if (first !== undefined && problems.length === 1) return first;
  await progress.note(`${countText(problems.length, 'problem')} ${hindered}:`);
  for (const [index, { message, code }] of problems.entries())
    await progress.note(`${index + 1}. ${message} [${code}]`);
  return new CharmError('preflight-failed', summary(problems, hindered), { problems });
};

const ofKind = (kind: 'operator' | 'transient', problems: readonly CharmError[]): CharmError[] =>
  problems.filter(({ code }) => errorCodes[code] === kind);

/** The first problem, shortened if there is no room for all of it, and the codes of the others. */
const summary = ([first, ...others]: readonly CharmError[], hindered: string): string => {
  const count = countText(others.length + 1, 'problem');
  const codes = [...new Set(others.map(({ code }) => `[${code}]`))].join(' ');
  const frame = (text: string): string =>
    `${count} ${hindered}, and nothing was changed. 1. ${text} [${first?.code ?? ''}] The action's log has all of them: also ${codes}.`;
  // The code of this error is added behind the message.
  const room = longestMessage - frame('').length - ' [preflight-failed]'.length;
  const { message = '', brief } = first ?? {};
  // A command that is cut in its middle is of no use.
  const told = message.length > room && brief ? `${brief.what}. Run: ${brief.run}` : message;
  return frame(excerpt(told, Math.max(room, 60)));
};
