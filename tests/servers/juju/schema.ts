import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Ajv, type ValidateFunction } from 'ajv';
import type { JujuLine } from './release.ts';

/**
 * Juju's own description of its API, which lies next to the project; a checkout without it is not
 * validated.
 */
export interface JujuSchema {
  readonly present: boolean;
  /** What is wrong with the parameters of a request, or with a reply; undefined when nothing is. */
  problem(kind: 'request' | 'response', method: string, value: unknown): string | undefined;
}

type Facades = Readonly<Record<string, FacadeSchema | undefined>>;

interface FacadeSchema {
  readonly methods: Readonly<
    Record<
      string,
      { readonly properties?: Readonly<Record<string, { readonly $ref: string }>> } | undefined
    >
  >;
  readonly requestDefinitions: object;
  readonly responseDefinitions: object;
}

const folder = new URL('../../../../shared/juju-api/', import.meta.url);
const cache = new Map<JujuLine, Promise<JujuSchema>>();

export const jujuSchema = async (line: JujuLine): Promise<JujuSchema> => {
  const known = cache.get(line) ?? load(line);
  cache.set(line, known);
  return known;
};

const load = async (line: JujuLine): Promise<JujuSchema> => {
  // Nobody has generated one for 4.1; its source has the facades of 4.0.
  const file = new URL(`juju-${line === '4.1' ? '4.0' : line}.json`, folder);
  if (!existsSync(file)) return { present: false, problem: () => undefined };
  const ajv = new Ajv({ strict: false, allErrors: true, formats: { 'date-time': isTime } });
  const facades: unknown = JSON.parse(await readFile(file, 'utf8'), normalise);
  if (!ajv.validate<Facades>(form, facades)) throw new Error(`${file.href}: ${ajv.errorsText()}`);
  const compiled = new Map<string, ValidateFunction>();
  const validatorOf = (kind: 'request' | 'response', name: string): ValidateFunction => {
    const [facade = '', method = ''] = name.split('.');
    const schema = facades[facade];
    const described = schema?.methods[method];
    if (!schema || !described) throw new Error(`Juju ${line} has no ${name}, says its schema`);
    const part = described.properties?.[kind === 'request' ? 'Params' : 'Result'];
    const definitions = kind === 'request' ? schema.requestDefinitions : schema.responseDefinitions;
    return ajv.compile({ ...part, definitions });
  };
  return {
    present: true,
    problem(kind, name, value) {
      const key = `${kind} ${name}`;
      const validate = compiled.get(key) ?? validatorOf(kind, name);
      compiled.set(key, validate);
      return validate(value) ? undefined : `${key}: ${ajv.errorsText(validate.errors)}`;
    },
  };
};

/** The form of the files themselves. */
const form = {
  type: 'object',
  additionalProperties: {
    type: 'object',
    properties: {
      methods: {
        type: 'object',
        additionalProperties: {
          type: 'object',
          properties: {
            properties: {
              type: 'object',
              additionalProperties: { type: 'object', required: ['$ref'] },
            },
          },
        },
      },
      requestDefinitions: { type: 'object' },
      responseDefinitions: { type: 'object' },
    },
    required: ['methods', 'requestDefinitions', 'responseDefinitions'],
  },
};

const isTime = (text: string) =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text);

/**
 * The schema is generated from Go types and says three things that are not so: `interface{}` is not
 * an object, an embedded struct (`Address` in HostPort) is no field, and a macaroon and a version
 * number have more forms than given.
 */
const normalise = (key: string, value: unknown): unknown => {
  if (key === 'Macaroon' || key === 'Number') return {};
  if (Array.isArray(value) && key === 'required') return value.filter((name) => name !== 'Address');
  const isAnything =
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length === 2 &&
    'type' in value &&
    value.type === 'object' &&
    'additionalProperties' in value &&
    value.additionalProperties === true;
  return isAnything ? {} : value;
};
