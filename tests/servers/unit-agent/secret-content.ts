import { readFileSync } from 'node:fs';
import { ToolError } from './arguments.ts';

const keyShape = /^([a-z](?:-?[a-z0-9]){2,})$/;
const sizeLimit = 1_000_000;

/**
 * The content of a secret from a command line: `key=value`, `key#base64=value` and
 * `key#file=/path`, which the agent opens.
 */
export const contentOf = (argv: readonly string[]): Record<string, string> => {
  const content: Record<string, string> = {};
  for (const argument of argv) {
    const [, key, kind, value] = /^([^=#]+)(#base64|#file)?=([^]*)$/.exec(argument) ?? [];
    if (key === undefined || value === undefined)
      throw new ToolError(2, `expected "key=value", got ${JSON.stringify(argument)}`);
    if (!keyShape.test(key)) throw new ToolError(2, `key ${JSON.stringify(key)} not valid`);
    if (kind === '#file') content[key] = readFileSync(value, 'utf8');
    else content[key] = kind === '#base64' ? Buffer.from(value, 'base64').toString() : value;
  }
  if (Object.keys(content).length === 0) throw new ToolError(2, 'missing secret value');
  const size = Object.values(content).reduce((sum, value) => sum + (value.length * 4) / 3, 0);
  if (size > sizeLimit) throw new ToolError(1, 'secret content size limit exceeded');
  return content;
};
