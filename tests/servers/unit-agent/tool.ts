import type { HookContext } from './context.ts';
import { ToolError } from './arguments.ts';

/** Thrown by a tool that was told to read stdin and has not been given it yet. */
export class WantsStdin extends Error {}

export interface ToolCall {
  readonly context: HookContext;
  readonly argv: readonly string[];
  /** What the process was given on stdin; throws WantsStdin while it has not been asked. */
  readonly stdin: () => string;
}

/** Returns what the tool prints. */
export type Tool = (call: ToolCall) => string;

export const formatFlags = { '--format': true } as const;

/** JSON as Go writes it: one line, with `<`, `>` and `&` escaped. */
export const json = (value: unknown): string =>
  `${JSON.stringify(value ?? null).replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)}\n`;

/** Only JSON is spoken here: what a charm without Python asks for. */
export const wantJson = (flags: ReadonlyMap<string, string>): void => {
  const format = flags.get('--format') ?? 'smart';
  if (format !== 'json')
    throw new ToolError(
      2,
      `invalid value "${format}" for option --format: unknown format "${format}"`,
    );
};
