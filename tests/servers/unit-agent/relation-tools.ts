import { parse } from 'yaml';
import { ToolError, atMost, keyValues, parseArguments } from './arguments.ts';
import { type HookContext, relationIn, relationOf } from './context.ts';
import type { RelationState } from './state.ts';
import { type Tool, formatFlags, json, wantJson } from './tool.ts';

const relationFlags = { '--relation': true, '--app': false };
const aliases = { '-r': '--relation' };

/** The tools that read and write databags. Writes are committed when the process exits 0. */
export const relationTools: Readonly<Record<string, Tool>> = {
  'relation-ids': ({ context, argv }) => {
    const { flags, positional } = parseArguments(argv, formatFlags);
    wantJson(flags);
    atMost(positional, 1);
    const [endpoint] = positional;
    if (endpoint === undefined) throw new ToolError(2, 'no endpoint name specified');
    return json(
      context.seen.relations
        .filter((relation) => relation.endpoint === endpoint)
        .map(({ id }) => `${endpoint}:${id}`)
        .sort(),
    );
  },
  'relation-list': ({ context, argv }) => {
    const { flags, positional } = parseArguments(
      argv,
      { ...formatFlags, ...relationFlags },
      aliases,
    );
    wantJson(flags);
    atMost(positional, 0);
    const relation = relationOf(context, flags.get('--relation'));
    if (flags.has('--app')) return json(relation.remoteApplication);
    return json(relation.broken === true ? [] : relation.remoteUnits);
  },
  'relation-get': ({ context, argv }) => {
    const { flags, positional } = parseArguments(
      argv,
      { ...formatFlags, ...relationFlags },
      aliases,
    );
    wantJson(flags);
    atMost(positional, 2);
    const relation = relationOf(context, flags.get('--relation'));
    const [key = '-', who = context.remoteUnit ?? relation.remoteApplication] = positional;
    const data = databag(context, relation, who);
    return json(key === '-' ? data : data[key]);
  },
  'relation-set': ({ context, argv, stdin }) => {
    const { flags, positional } = parseArguments(
      argv,
      { ...relationFlags, '--file': true },
      aliases,
    );
    const relation = relationOf(context, flags.get('--relation'));
    const values = {
      ...(flags.get('--file') === '-' ? fileValues(stdin()) : {}),
      ...keyValues(positional),
    };
    const ofApplication = flags.has('--app');
    if (ofApplication && !context.seen.leader)
      throw new ToolError(1, 'cannot write relation settings');
    context.change((state) => {
      // The relation may have gone by the time that the process ends.
      const target = relationIn(state, relation.id);
      if (target === undefined) return;
      const bag = ofApplication ? target.localApplicationData : target.localUnitData;
      for (const [key, value] of Object.entries(values)) {
        if (value === '') Reflect.deleteProperty(bag, key);
        else bag[key] = value;
      }
    });
    return '';
  },
};

const databag = (
  context: HookContext,
  relation: RelationState,
  who: string,
): Record<string, string> => {
  const { application, unit, leader } = context.seen;
  if (who === application) {
    // Of a relation between an application's own units every unit may read it.
    if (!leader && relation.remoteApplication !== application)
      throw new ToolError(1, 'permission denied');
    return relation.localApplicationData;
  }
  if (who === `${application}/${unit}`) return relation.localUnitData;
  if (who === relation.remoteApplication) return relation.remoteApplicationData;
  if (relation.remoteUnits.includes(who)) return relation.remoteUnitsData[who] ?? {};
  throw new ToolError(1, `permission denied`);
};

/** `--file` takes YAML, which JSON is a part of, and wants a map of strings. */
const fileValues = (text: string): Record<string, string> => {
  const values: unknown = parse(text);
  if (typeof values !== 'object' || values === null)
    throw new ToolError(2, 'yaml: unmarshal errors: cannot unmarshal into map[string]string');
  return Object.fromEntries(
    Object.entries(values).map(([key, value]: [string, unknown]) => {
      if (typeof value === 'object' && value !== null)
        throw new ToolError(2, 'yaml: unmarshal errors: cannot unmarshal !!map into string');
      return [key, String(value)];
    }),
  );
};
