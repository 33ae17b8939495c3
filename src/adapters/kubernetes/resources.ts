import { CharmError } from '../../errors.ts';
import type { CustomResource } from '../../world.ts';

type Fields = Readonly<Record<string, unknown>>;

/** One page of a list of custom resources, and where the next one begins. */
export interface Page {
  readonly resources: readonly CustomResource[];
  readonly next: string | undefined;
}

/** Reads what the API server sent. Labels and annotations are text; `spec` and `status` are left to who knows the kind. */
export const readPage = (list: unknown): Page => {
  if (!isFields(list) || !Array.isArray(list['items']))
    throw new CharmError('kubernetes-refused', 'Kubernetes sent a list without items.');
  const { continue: next } = fieldsOf(list['metadata']);
  return {
    resources: list['items'].filter(isFields).map(toResource),
    next: typeof next === 'string' && next !== '' ? next : undefined,
  };
};

const toResource = (item: Fields): CustomResource => {
  const metadata = fieldsOf(item['metadata']);
  return {
    namespace: textOf(metadata['namespace']),
    name: textOf(metadata['name']),
    labels: textsOf(metadata['labels']),
    annotations: textsOf(metadata['annotations']),
    spec: fieldsOf(item['spec']),
    status: fieldsOf(item['status']),
  };
};

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const textsOf = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(fieldsOf(value)).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
