import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { parse } from 'yaml';

/** An action of actions.yaml. */
export interface ActionDefinition {
  readonly title?: string;
  readonly params?: Readonly<Record<string, ActionParameter>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
}

export interface ActionParameter {
  readonly type?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
}

/** What Juju reads from a charm's directory. */
export interface CharmFiles {
  readonly endpoints: ReadonlySet<string>;
  readonly options: Readonly<Record<string, { readonly type: string; readonly default?: unknown }>>;
  readonly storages: ReadonlySet<string>;
  readonly actions: Readonly<Partial<Record<string, ActionDefinition>>>;
  /**
   * The parameters with defaults filled in; throws with Juju's words when they do not fit, or there
   * is no such action.
   */
  actionParameters(
    action: string,
    given: Readonly<Record<string, unknown>>,
  ): Record<string, unknown>;
}

type Entries<T> = Record<string, T> | null | undefined;

export const readCharmFiles = (directory: string): CharmFiles => {
  const yaml = (name: string): unknown => parse(readFileSync(join(directory, name), 'utf8'));
  const metadata = yaml('metadata.yaml') as {
    requires?: Entries<object>;
    provides?: Entries<object>;
    peers?: Entries<object>;
    storage?: Entries<object>;
  };
  const { options } = yaml('config.yaml') as { options: CharmFiles['options'] };
  const actions = yaml('actions.yaml') as CharmFiles['actions'];
  // `useDefaults` fills the parameters in, as the controller does when the action is enqueued.
  const ajv = new Ajv({ strict: false, useDefaults: true, allErrors: true });
  return {
    ...{ options, actions },
    endpoints: new Set(
      [metadata.requires, metadata.provides, metadata.peers].flatMap((side) =>
        Object.keys(side ?? {}),
      ),
    ),
    storages: new Set(Object.keys(metadata.storage ?? {})),
    actionParameters(action, given) {
      const definition = actions[action];
      if (definition === undefined) throw new Error(`no action "${action}" defined`);
      const { params, required, additionalProperties = true } = definition;
      const unknown = Object.keys(given).find((name) => !(name in (params ?? {})));
      if (unknown !== undefined && !additionalProperties)
        throw new Error(`validation failed: ${unknownParameter(unknown, given)}`);
      const validate = ajv.compile({
        type: 'object',
        properties: params ?? {},
        ...(required === undefined ? {} : { required }),
      });
      const parameters = structuredClone(given);
      if (!validate(parameters))
        throw new Error(
          `validation failed: ${ajv.errorsText(validate.errors, { dataVar: '(root)' })}`,
        );
      return { ...parameters };
    },
  };
};

/** In Juju's words (juju/gojsonschema). */
export const unknownParameter = (name: string, given: Readonly<Record<string, unknown>>): string =>
  `(root) : additional property "${name}" is not allowed, given ${JSON.stringify(given)}`;
