import { matchesSelector } from './selector.ts';

/** A custom resource as the API has it; what is left out is empty. */
export interface Resource {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

/** One page, for the parameters `labelSelector`, `limit` and `continue` of a list request. */
export const listResources = (
  resources: readonly Pick<Resource, 'metadata'>[],
  parameters: URLSearchParams,
): object => {
  const matching = resources.filter(({ metadata }) =>
    matchesSelector(metadata.labels ?? {}, parameters.get('labelSelector') ?? ''),
  );
  const limit = Number(parameters.get('limit') ?? 0) || matching.length;
  const start = Number(Buffer.from(parameters.get('continue') ?? '', 'base64url').toString() || 0);
  const end = start + limit;
  const more = end < matching.length;
  return {
    kind: 'List',
    apiVersion: 'v1',
    metadata: {
      resourceVersion: '1',
      ...(more
        ? {
            continue: Buffer.from(String(end)).toString('base64url'),
            remainingItemCount: matching.length - end,
          }
        : {}),
    },
    items: matching.slice(start, end),
  };
};
