import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The processes of this machine with `text` in their command line, by their ids. */
export const processesWith = (text: string): ReadonlyMap<number, string> =>
  new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .map((name): [number, string] => [Number(name), commandOf(name)])
      .filter(([, command]) => command.includes(text)),
  );

const commandOf = (id: string): string => {
  try {
    return readFileSync(`/proc/${id}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
};

/**
 * Asks again and again, for a few seconds, until `found` says nothing; what it says then is what is
 * wrong.
 */
export const eventually = async (found: () => string): Promise<string> => {
  for (let attempt = 0; attempt < 100 && found() !== ''; attempt++) await sleep(50);
  return found();
};
