import {
  ApiException,
  AuthorizationV1Api,
  CoreV1Api,
  createConfiguration,
  CustomObjectsApi,
  ServerConfiguration,
  type RequestContext,
  type V1Pod,
} from '@kubernetes/client-node';
import { Agent } from 'undici';
import { CharmError } from '../../errors.ts';
import type { ClusterAccess, Container, CustomResource, Fields, Pod } from '../../world.ts';
import { ApiFailure } from './errors.ts';
import { fieldsOf, isFields, textOf, textsOf } from '../../ports/fields.ts';

export interface Api {
  readonly core: CoreV1Api;
  readonly custom: CustomObjectsApi;
  readonly authorization: AuthorizationV1Api;
  close(): Promise<void>;
}

/**
 * The client over one connection pool. The client's own KubeConfig would open a pool, and so a TLS
 * connection, for each request. That is why the headers and the dispatcher are given here.
 */
export const createApi = (access: ClusterAccess, timeout: number, signal: AbortSignal): Api => {
  const agent = new Agent({
    connect: { ca: access.ca, timeout },
    headersTimeout: timeout,
    bodyTimeout: timeout,
  });
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(access.server, {}),
    authMethods: {
      default: {
        getName: () => 'token',
        applySecurityAuthentication: (request: RequestContext) => {
          request.setHeaderParam('Authorization', `Bearer ${access.token}`);
          request.setDispatcher(agent);
          request.setSignal(signal);
        },
      },
    },
  });
  return {
    core: new CoreV1Api(configuration),
    custom: new CustomObjectsApi(configuration),
    authorization: new AuthorizationV1Api(configuration),
    close: async () => agent.destroy(),
  };
};

/**
 * Runs a request of the client, and turns its failures into an ApiFailure, as the rest of the
 * adapter expects.
 */
export const request = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ApiException) {
      const body: unknown = cause.body;
      throw new ApiFailure(
        cause.code,
        typeof body === 'string' ? body : JSON.stringify(body ?? ''),
        cause.headers['retry-after'],
      );
    }
    throw cause;
  }
};

export const toPod = (pod: V1Pod): Pod => ({
  name: pod.metadata?.name ?? '',
  uid: pod.metadata?.uid ?? '',
  phase: pod.status?.phase ?? 'Unknown',
  containers: (pod.spec?.containers ?? []).map((container): Container => {
    const status = pod.status?.containerStatuses?.find(({ name }) => name === container.name);
    return {
      name: container.name,
      ready: status?.ready ?? false,
      restarts: status?.restartCount ?? 0,
      mounts: new Map(
        container.volumeMounts?.map(({ name, mountPath }) => [name, mountPath] as const),
      ),
    };
  }),
});

/** One page of a list of custom resources, and where the next one begins. */
export interface Page {
  readonly resources: readonly CustomResource[];
  readonly next: string | undefined;
}

/**
 * Reads what the API server sent. Labels and annotations are text; `spec` and `status` are passed
 * on as they are.
 */
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
