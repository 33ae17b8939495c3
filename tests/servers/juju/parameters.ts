import { ModelRefusal } from '../../sandbox/model-core.ts';
import { JujuFailure } from './release.ts';

/*
 * Reading a request: what is missing is empty, as in Go; what has the wrong type is a bad request.
 */

export const mapOf = (value: unknown): Readonly<Record<string, unknown>> => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  if (value === undefined || value === null) return {};
  throw new JujuFailure('json: cannot unmarshal into Go value of type struct', 'bad request');
};

export const listOf = (value: unknown): readonly unknown[] => {
  if (Array.isArray(value)) return value;
  if (value === undefined || value === null) return [];
  throw new JujuFailure('json: cannot unmarshal into Go value of type slice', 'bad request');
};

export const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  throw new JujuFailure('json: cannot unmarshal into Go value of type string', 'bad request');
};

export const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** `{"entities": [{"tag": "action-12"}]}` */
export const tagsOf = (params: Readonly<Record<string, unknown>>): readonly string[] =>
  listOf(params['entities']).map((entity) => textOf(mapOf(entity)['tag']));

/**
 * The model's refusal in the words of a release; what has no words of its own keeps the model's.
 */
export const refusalAsFailure = (
  error: unknown,
  words: Readonly<Partial<Record<ModelRefusal['reason'], JujuFailure>>>,
): JujuFailure => {
  if (error instanceof JujuFailure) return error;
  if (error instanceof ModelRefusal)
    return words[error.reason] ?? new JujuFailure(error.message, '');
  throw error;
};
