import { Ajv, type SchemaObject, type ValidateFunction } from 'ajv';
import { CharmError } from '../../errors.ts';

/*
 * What we read of Juju's replies. Go sends null for an empty list or map and may leave out fields
 * with a zero value, and new releases add fields. So everything but the names that we need is
 * optional here.
 */

export interface ReplyError {
  readonly message: string;
  readonly code?: string;
}

export interface StatusReply {
  readonly model: { readonly name: string };
  readonly applications: Readonly<Record<string, ApplicationReply | null>> | null;
}

export interface ApplicationReply {
  readonly charm: string;
  readonly 'charm-rev'?: number;
  readonly 'workload-version'?: string;
  readonly life?: string;
  readonly status?: DetailedStatus;
  /** The field of the scale, absent when it is 0 (rpc/params/status.go). */
  readonly int?: number;
  readonly relations?: Readonly<Record<string, readonly string[] | null>> | null;
  readonly units?: Readonly<Record<string, UnitReply>> | null;
}

export interface DetailedStatus {
  readonly status: string;
  readonly info?: string;
}

export interface UnitReply {
  readonly leader?: boolean;
  readonly 'workload-status': DetailedStatus;
  readonly 'agent-status': DetailedStatus;
}

interface OptionsReply {
  readonly config?: Readonly<Record<string, { readonly value?: unknown }>> | null;
}

interface ScaleReply {
  readonly results: readonly { readonly error?: ReplyError | null }[];
}

export interface ActionReply {
  readonly action?: {
    readonly tag: string;
    readonly receiver: string;
    readonly name: string;
    readonly parameters?: Readonly<Record<string, unknown>> | null;
  } | null;
  readonly status?: string;
  /** ISO 8601; the year 1 when it has not happened yet. */
  readonly enqueued?: string;
  readonly started?: string;
  readonly completed?: string;
  readonly message?: string;
  readonly output?: Readonly<Record<string, unknown>> | null;
  readonly error?: ReplyError | null;
}

interface EnqueuedReply {
  readonly actions?: readonly ActionReply[] | null;
}

interface ActionsReply {
  readonly results?: readonly ActionReply[] | null;
}

interface OperationsReply {
  readonly truncated?: boolean;
  readonly results?: readonly { readonly actions?: readonly ActionReply[] | null }[] | null;
}

interface CharmActionsReply {
  readonly results: readonly {
    readonly actions?: Readonly<Record<string, unknown>> | null;
    readonly error?: ReplyError | null;
  }[];
}

const ajv = new Ajv({ allowUnionTypes: true });

const text = { type: 'string' };
const map = { type: ['object', 'null'] };
const object = (required: SchemaObject, optional: SchemaObject = {}) => ({
  type: 'object',
  properties: { ...required, ...optional },
  required: Object.keys(required),
});
const mapOf = (values: SchemaObject) => ({ ...map, additionalProperties: values });
const listOf = (items: SchemaObject) => ({ type: 'array', items });
const orNull = <S extends { readonly type: string }>(schema: S) => ({
  ...schema,
  type: [schema.type, 'null'],
});

const error = orNull(object({ message: text }, { code: text }));
const status = object({ status: text }, { info: text });
const unit = object(
  { 'workload-status': status, 'agent-status': status },
  { leader: { type: 'boolean' } },
);
const application = object(
  { charm: text },
  {
    'charm-rev': { type: 'integer' },
    'workload-version': text,
    life: text,
    status,
    int: { type: 'integer' },
    relations: mapOf(orNull(listOf(text))),
    units: mapOf(unit),
  },
);
const action = object(
  {},
  {
    action: orNull(object({ tag: text, receiver: text, name: text }, { parameters: map })),
    status: text,
    enqueued: text,
    started: text,
    completed: text,
    message: text,
    output: map,
    error,
  },
);
const actions = orNull(listOf(action));

const parser =
  <T>(method: string, isReply: ValidateFunction<T>) =>
  (reply: unknown): T => {
    if (isReply(reply)) return reply;
    throw new CharmError(
      'juju-refused',
      `Juju's controller answered ${method} in a form that this charm does not know (${ajv.errorsText(isReply.errors)}). Use a revision of the charm that supports this Juju.`,
    );
  };

export const parseStatus = parser(
  'FullStatus',
  ajv.compile<StatusReply>(
    object({
      model: object({ name: text }),
      applications: mapOf(orNull(application)),
    }),
  ),
);
export const parseScaled = parser(
  'ScaleApplications',
  ajv.compile<ScaleReply>(object({ results: listOf(object({}, { error })) })),
);
export const parseOptions = parser(
  'Get',
  ajv.compile<OptionsReply>(object({}, { config: mapOf(object({}, { value: {} })) })),
);
export const parseEnqueued = parser(
  'EnqueueOperation',
  ajv.compile<EnqueuedReply>(object({}, { actions })),
);
export const parseActions = parser(
  'Actions',
  ajv.compile<ActionsReply>(object({}, { results: actions })),
);
export const parseOperations = parser(
  'ListOperations',
  ajv.compile<OperationsReply>(
    object(
      {},
      { truncated: { type: 'boolean' }, results: orNull(listOf(object({}, { actions }))) },
    ),
  ),
);
export const parseCharmActions = parser(
  'ApplicationsCharmsActions',
  ajv.compile<CharmActionsReply>(object({ results: listOf(object({}, { actions: map, error })) })),
);
