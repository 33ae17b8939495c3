import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { allowed, type OptionName } from '../../src/config/options.ts';

interface Parameter {
  readonly type: string;
  readonly default?: unknown;
  readonly description: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly string[];
}

interface Action {
  readonly title: string;
  readonly description: string;
  readonly params?: Readonly<Record<string, Parameter>>;
  readonly required?: readonly string[];
}

interface Endpoint {
  readonly interface: string;
  readonly optional: boolean;
  readonly description: string;
}

const read = async <T>(root: string, file: string): Promise<T> =>
  parse(await readFile(join(root, file), 'utf8')) as T;

/** Text of YAML in one line, fit for a cell. */
const line = (text: string): string => text.trim().replace(/\s+/g, ' ').replaceAll('|', '\\|');

const code = (value: unknown): string => (value === '' ? 'empty' : `\`${String(value)}\``);

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

export const actionsText = async (root: string): Promise<string> => {
  const actions = await read<Record<string, Action>>(root, 'actions.yaml');
  return Object.entries(actions)
    .map(([name, { title, description, params = {}, required = [] }]) =>
      [
        `## \`${name}\``,
        `*${title}.* ${line(description)}`,
        Object.keys(params).length === 0
          ? 'It has no parameters.'
          : table(
              ['parameter', 'type', 'default', 'meaning'],
              Object.entries(params).map(([parameter, one]) => [
                `\`${parameter}\``,
                typeOf(one),
                required.includes(parameter) ? 'required' : code(one.default),
                line(one.description),
              ]),
            ),
      ].join('\n\n'),
    )
    .join('\n\n');
};

const typeOf = ({ type, minimum, maximum, enum: values }: Parameter): string => {
  if (values !== undefined) return values.map(code).join(' or ');
  return minimum === undefined ? type : `${type}, ${minimum} to ${maximum ?? 'any'}`;
};

export const optionsText = async (root: string): Promise<string> => {
  const { options } = await read<{ options: Record<OptionName, Parameter> }>(root, 'config.yaml');
  const names = Object.keys(options) as OptionName[];
  return names
    .map((name) => {
      const { type, default: preset, description } = options[name];
      const value = preset === undefined ? 'no default' : `default ${code(preset)}`;
      return `## \`${name}\`\n\n${type}, ${value}. Must be ${allowed[name]}.\n\n${line(description)}`;
    })
    .join('\n\n');
};

export const endpointsTable = async (root: string): Promise<string> => {
  const metadata = await read<Record<'requires' | 'provides', Record<string, Endpoint>>>(
    root,
    'metadata.yaml',
  );
  const rows = (['requires', 'provides'] as const).flatMap((side) =>
    Object.entries(metadata[side]).map(([name, endpoint]) => [
      `\`${name}\``,
      side,
      `\`${endpoint.interface}\``,
      endpoint.optional ? 'no' : 'yes',
      line(endpoint.description),
    ]),
  );
  return table(['endpoint', 'side', 'interface', 'required', 'for'], rows);
};
