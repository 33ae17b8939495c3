import { parse } from 'yaml';
import { type JujuLine, jujuReleases } from '../../servers/juju/release.ts';
import type { CharmFiles } from '../../servers/unit-agent/charm.ts';
import { actionsText, optionsText, parametersText } from './help.ts';

/** What the words after `npm run demo --` ask for. */
export type Command =
  | { readonly kind: 'backup' }
  | { readonly kind: 'help' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'schedule' }
  | { readonly kind: 'status' }
  | { readonly kind: 'config'; readonly options: Values }
  | { readonly kind: 'action'; readonly action: string; readonly parameters: Values }
  | { readonly kind: 'wrong'; readonly why: string };

type Values = Readonly<Record<string, string | number | boolean>>;

/** Looks at the words alone, so that a mistake is answered before a box is built. */
export const readCommand = ([first, ...rest]: readonly string[], charm: CharmFiles): Command => {
  if (first === undefined) return { kind: 'backup' };
  if (['help', '--help', '-h'].includes(first)) return { kind: 'help' };
  if (first === 'reset' || first === 'schedule' || first === 'status')
    return rest.length === 0 ? { kind: first } : wrong(`${first} takes no parameters.`);
  const values = readValues(rest);
  if (typeof values === 'string') return wrong(values);
  if (first === 'config') return readConfig(values, charm);
  if (charm.actions[first] === undefined)
    return wrong(`There is no action "${first}". These are the actions:\n${actionsText(charm)}`);
  try {
    charm.actionParameters(first, values);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return wrong(`${why}\nThe parameters of ${first}:\n${parametersText(charm.actions[first])}`);
  }
  return { kind: 'action', action: first, parameters: values };
};

/** The line of Juju that the variable BOX_JUJU names; undefined when it is not set. */
export const readLine = (named: string | undefined): JujuLine | undefined => {
  if (named === undefined || named === '') return undefined;
  const line = Object.values(jujuReleases).find((release) => release.line === named)?.line;
  if (line !== undefined) return line;
  throw new Error(`BOX_JUJU=${named} is not one of ${Object.keys(jujuReleases).join(', ')}`);
};

const readConfig = (options: Values, charm: CharmFiles): Command => {
  const unknown = Object.keys(options).find((name) => charm.options[name] === undefined);
  if (unknown !== undefined)
    return wrong(`unknown option "${unknown}"\nThe options:\n${optionsText(charm)}`);
  return { kind: 'config', options };
};

/** As `juju run` reads them, unless it is told --string-args. A sentence when that cannot be. */
const readValues = (words: readonly string[]): Values | string => {
  const values: Record<string, string | number | boolean> = {};
  for (const word of words) {
    const [, key, text] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
    if (key === undefined || text === undefined) return `"${word}" is not of the form key=value.`;
    const value: unknown = parse(text);
    const isPlain = typeof value === 'number' || typeof value === 'boolean';
    values[key] = isPlain ? value : text;
  }
  return values;
};

const wrong = (why: string): Command => ({ kind: 'wrong', why });
