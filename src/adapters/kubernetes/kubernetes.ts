import {
  V1ResourceAttributes,
  V1SelfSubjectAccessReview,
  V1SelfSubjectAccessReviewSpec,
} from '@kubernetes/client-node';
import { CharmError } from '../../errors.ts';
import type {
  Clock,
  ClusterAccess,
  CustomResource,
  CustomResourceKind,
  Kubernetes,
} from '../../world.ts';
import { createApi, request, toPod, type Api, readPage, type Page } from './api.ts';
import { createCall, type Call } from './call.ts';
import { ApiFailure } from './errors.ts';
import { execute } from './exec.ts';

/*
 * This folder is the client of the Kubernetes API: it reads pods and custom resources, and runs
 * commands in containers.
 */

export interface KubernetesOptions {
  /**
   * Asks Juju for the cluster's address and our token; asked again when Kubernetes no longer
   * accepts the token.
   */
  readonly access: () => Promise<ClusterAccess>;
  /** Reads the mounted token before each call. It is used instead of the token of `access`. */
  readonly token?: () => Promise<string | undefined>;
  /** The model's. */
  readonly namespace: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Our own name in Juju, for the `juju trust` in messages. */
  readonly application?: string;
  /** Milliseconds within which the API server must connect, and answer. */
  readonly timeout?: number;
  /**
   * Milliseconds without a sign of life after which the connection of a running command is given
   * up.
   */
  readonly silence?: number;
}

/** Finished Argo Workflows reach 1 MiB each, so a page stays small. */
const pageSize = 50;
const maximumRestarts = 5;

/**
 * Speaks to the Kubernetes API: reads pods and custom resources and runs commands in containers,
 * and never writes an object (Juju would count it as ours). Rejects only when Juju gives no access;
 * the first call makes the first connection.
 */
export const openKubernetes = async ({
  namespace,
  signal,
  clock,
  application = 'ckf-backup',
  timeout = 30_000,
  silence = 120_000,
  access,
  token = async () => undefined,
}: KubernetesOptions): Promise<Kubernetes> => {
  const call = await createCall({ access, token, application, clock, signal });
  const apis = new Map<string, Api>();
  const apiOf = (used: ClusterAccess): Api => {
    const name = [used.server, used.ca, used.token].join('\n');
    const api = apis.get(name) ?? createApi(used, timeout, signal);
    apis.set(name, api);
    return api;
  };

  return {
    pod: async (name) =>
      call(`read the pod ${name}`, async (used) => {
        const pod = await absentIfMissing(async () =>
          request(async () => apiOf(used).core.readNamespacedPod({ name, namespace })),
        );
        return pod && toPod(pod);
      }),
    list: (kind, labelSelector) => list(call, apiOf, kind, labelSelector),
    mayList: async ({ groupVersion, plural }) => {
      const body = accessReview(groupVersion.split('/')[0] ?? '', plural);
      const { status } = await call('tell what we may do', async (used) =>
        request(async () => apiOf(used).authorization.createSelfSubjectAccessReview({ body })),
      );
      return status?.allowed === true;
    },
    exec: async (target, command, options = {}) =>
      execute({ call, namespace, clock, signal, timeout, silence }, target, command, options),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...apis.values()].map(async (api) => api.close()));
    },
  };
};

/** The question whether we may list the objects of a kind in all namespaces. */
const accessReview = (group: string, resource: string): V1SelfSubjectAccessReview => {
  const review = new V1SelfSubjectAccessReview();
  review.spec = new V1SelfSubjectAccessReviewSpec();
  review.spec.resourceAttributes = new V1ResourceAttributes();
  Object.assign(review.spec.resourceAttributes, { group, resource, verb: 'list' });
  return review;
};

/**
 * Yields each object once. A list expires after some minutes: the server answers 410. Then it is
 * read again from the start, without the objects that were given already.
 */
async function* list(
  call: Call,
  apiOf: (access: ClusterAccess) => Api,
  { groupVersion, plural }: CustomResourceKind,
  labelSelector: string | undefined,
): AsyncGenerator<CustomResource> {
  const [group = '', version = ''] = groupVersion.split('/');
  const read = async (from: string | undefined): Promise<Page | 'expired'> =>
    call(`list ${plural}.${group}`, async (used) =>
      expiredOr(async () => {
        const answer: unknown = await absentIfMissing<unknown>(async () =>
          request<unknown>(async () =>
            apiOf(used).custom.listClusterCustomObject({
              group,
              version,
              plural,
              limit: pageSize,
              ...(labelSelector === undefined ? {} : { labelSelector }),
              ...(from === undefined ? {} : { _continue: from }),
            }),
          ),
        );
        return answer === undefined ? { resources: [], next: undefined } : readPage(answer);
      }),
    );
  const seen = new Set<string>();
  let restarts = 0;
  for (let page = await read(undefined); ;) {
    if (page === 'expired') {
      if (++restarts > maximumRestarts) throw tooSlow(`${plural}.${group}`, restarts);
      page = await read(undefined);
      continue;
    }
    for (const resource of page.resources) {
      const name = `${resource.namespace}/${resource.name}`;
      if (!seen.has(name)) yield resource;
      seen.add(name);
    }
    if (page.next === undefined) return;
    page = await read(page.next);
  }
}

const tooSlow = (kind: string, times: number): CharmError =>
  new CharmError(
    'kubernetes-unreachable',
    `The list of ${kind} expired ${times} times before we had read it. ` +
      'The Kubernetes API is too slow at the moment: try again later.',
  );

/** The kind is not installed, or there is no such pod. */
const absentIfMissing = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ApiFailure && cause.status === 404) return undefined;
    throw cause;
  }
};

const expiredOr = async <T>(work: () => Promise<T>): Promise<T | 'expired'> => {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ApiFailure && cause.status === 410) return 'expired';
    throw cause;
  }
};
