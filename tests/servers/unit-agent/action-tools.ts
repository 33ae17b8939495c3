import { ToolError, atMost, parseArguments } from './arguments.ts';
import type { ActionResults, HookContext, RunningAction } from './context.ts';
import { releaseOf } from '../juju/release.ts';
import { type Tool, formatFlags, json, wantJson } from './tool.ts';

const segment = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const reserved = new Set(['stdout', 'stdout-encoding', 'stderr', 'stderr-encoding']);

const running = (context: HookContext): RunningAction => {
  if (context.action === undefined) throw new ToolError(1, 'not running an action');
  return context.action;
};

/**
 * The tools that speak of the running action. What they say reaches its user also when the process
 * fails.
 */
export const actionTools: Readonly<Record<string, Tool>> = {
  'action-get': ({ context, argv }) => {
    const { flags, positional } = parseArguments(argv, formatFlags);
    wantJson(flags);
    atMost(positional, 1);
    const [path] = positional;
    let value: unknown = running(context).parameters;
    for (const key of path?.split('.') ?? [])
      value =
        typeof value === 'object' && value !== null
          ? new Map(Object.entries(value)).get(key)
          : undefined;
    return json(value);
  },
  'action-set': ({ context, argv }) => {
    const { positional } = parseArguments(argv, {});
    for (const argument of positional) {
      const equals = argument.indexOf('=');
      if (equals < 0)
        throw new ToolError(
          2,
          `argument ${JSON.stringify(argument)} must be of the form key...=value`,
        );
      setResult(argument.slice(0, equals), argument.slice(equals + 1), () => running(context));
    }
    running(context);
    return '';
  },
  'action-fail': ({ context, argv }) => {
    const { positional } = parseArguments(argv, {});
    atMost(positional, 1);
    running(context).failure =
      positional[0] ?? 'action failed without reason given, check action for errors';
    return '';
  },
  'action-log': ({ context, argv }) => {
    const { positional } = parseArguments(argv, {});
    if (positional.length === 0) throw new ToolError(2, 'no message specified');
    const { log } = running(context);
    if (log.length < releaseOf(context.seen.jujuVersion).actionLogLines)
      log.push(positional.join(' '));
    return '';
  },
};

const setResult = (path: string, value: string, action: () => RunningAction): void => {
  const keys = path.split('.');
  for (const key of keys) {
    if (!segment.test(key))
      throw new ToolError(
        2,
        `key ${JSON.stringify(key)} must start and end with lowercase alphanumeric, and contain only lowercase alphanumeric, hyphens and periods`,
      );
    if (reserved.has(key)) throw new ToolError(2, `cannot set reserved action key "${key}"`);
  }
  let results: ActionResults = action().results;
  for (const key of keys.slice(0, -1)) {
    const below = results[key];
    results = results[key] = typeof below === 'object' ? below : {};
  }
  results[keys.at(-1) ?? ''] = value;
};
