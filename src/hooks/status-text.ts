import type { CharmError } from '../errors.ts';

/**
 * `juju status` shows about so many characters of a message; `juju status --format yaml` shows all
 * of it.
 */
export const visibleCharacters = 120;

/**
 * The text of a status for a problem. Within the characters that `juju status` shows it has what is
 * wrong, the code, how many more problems there are, and the one command to begin with. The whole
 * message follows.
 */
export const statusText = (problem: CharmError, more = 0): string => {
  const { code, message, brief } = problem;
  const others = more === 0 ? '' : ` (and ${more} more)`;
  const rest = ` [${code}]${others}: ${brief?.run ?? 'juju status --format yaml'}`;
  const what = shortened(brief?.what ?? message, visibleCharacters - rest.length);
  return `${what}${rest} | ${message}`;
};

/** Cut at the end of a word when it is too long. */
const shortened = (text: string, limit: number): string => {
  if (text.length <= limit) return text;
  const words = text.slice(0, Math.max(limit - 1, 1));
  return `${words.slice(0, words.lastIndexOf(' ') + 1).trimEnd() || words}…`;
};
