/**
 * A tool ended with this exit status and this text after `ERROR `: 2 for a wrong command line, 1
 * for a failed run.
 */
export class ToolError extends Error {
  readonly exitCode: 1 | 2;

  constructor(exitCode: 1 | 2, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

export interface Arguments {
  readonly flags: ReadonlyMap<string, string>;
  readonly positional: readonly string[];
}

/**
 * Reads a command line as Juju's flag library (juju/gnuflag) does: flags and other arguments in any
 * order,
 * `--flag=value` and `--flag value`, `-r value`, and nothing after `--` is a flag.
 *
 * @param spec the flags by their name with hyphens; true when it takes a value. Aliases: `-r` for
 *   `--relation`.
 */
export const parseArguments = (
  argv: readonly string[],
  spec: Readonly<Record<string, boolean>>,
  aliases: Readonly<Record<string, string>> = {},
): Arguments => {
  const flags = new Map<string, string>();
  const positional: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? '';
    if (argument === '--') {
      positional.push(...argv.slice(i + 1));
      break;
    }
    if (!argument.startsWith('-') || argument === '-') {
      positional.push(argument);
      continue;
    }
    const equals = argument.indexOf('=');
    const given = equals < 0 ? argument : argument.slice(0, equals);
    const name = aliases[given] ?? given;
    const takesValue = spec[name];
    if (takesValue === undefined)
      throw new ToolError(2, `option provided but not defined: ${given}`);
    if (!takesValue) flags.set(name, equals < 0 ? 'true' : argument.slice(equals + 1));
    else if (equals >= 0) flags.set(name, argument.slice(equals + 1));
    else {
      const value = argv[++i];
      if (value === undefined) throw new ToolError(2, `option needs an argument: ${given}`);
      flags.set(name, value);
    }
  }
  return { flags, positional };
};

export const atMost = (positional: readonly string[], count: number): void => {
  if (positional.length > count)
    throw new ToolError(2, `unrecognized args: ${JSON.stringify(positional.slice(count))}`);
};

/**
 * The `key=value` arguments of a tool. Juju trims the values (juju/utils keyvalues), and so do we.
 */
export const keyValues = (argv: readonly string[]): Record<string, string> => {
  const values: Record<string, string> = {};
  for (const argument of argv) {
    const equals = argument.indexOf('=');
    if (equals <= 0)
      throw new ToolError(2, `expected "key=value", got ${JSON.stringify(argument)}`);
    values[argument.slice(0, equals)] = argument.slice(equals + 1).trim();
  }
  return values;
};
