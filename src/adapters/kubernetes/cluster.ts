import { Agent, request } from 'undici';
import { CharmError, orProblem } from '../../errors.ts';
import type { Cluster, ClusterAccess, ClusterKind, ClusterObject, Fields } from '../../world.ts';
import { fieldsOf, textOf, textsOf } from '../../ports/fields.ts';
import { createCall } from './call.ts';
import { ApiFailure } from './errors.ts';
import type { KubernetesOptions } from './kubernetes.ts';

const apiOf: Readonly<Record<ClusterKind, string>> = {
  namespaces: '/api/v1',
  persistentvolumeclaims: '/api/v1',
  pods: '/api/v1',
  secrets: '/api/v1',
  events: '/api/v1',
  jobs: '/apis/batch/v1',
  notebooks: '/apis/kubeflow.org/v1',
};

const pageSize = 250;

/**
 * Of a container's log the end is read: a check that finds much says in its last line what it was.
 * The API counts these bytes from where it begins to read.
 */
const lastLines = 10_000;
const longestLog = 8 * 2 ** 20;

/**
 * Reads and writes the cluster's objects as JSON. The typed client would copy each object through
 * models of its own, and drop what it does not know; what is written here is what the manifests
 * say, and what is read is narrowed by those who know the kind.
 */
export const openCluster = async ({
  namespace,
  signal,
  clock,
  application = 'ckf-backup',
  timeout = 30_000,
  access,
  token = async () => undefined,
}: KubernetesOptions): Promise<Cluster> => {
  const call = await createCall({ access, token, application, clock, signal });
  const agents = new Map<string, Agent>();
  const agentOf = ({ ca }: ClusterAccess): Agent => {
    const known = agents.get(ca);
    if (known) return known;
    const agent = new Agent({
      connect: { ca, timeout },
      headersTimeout: timeout,
      bodyTimeout: timeout,
    });
    agents.set(ca, agent);
    return agent;
  };
  const ask = async (
    what: string,
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: Fields,
  ): Promise<string> =>
    call(what, async (used) => {
      const reply = await request(`${used.server}${path}`, {
        ...{ method, signal, dispatcher: agentOf(used) },
        headers: {
          authorization: `Bearer ${used.token}`,
          accept: 'application/json',
          ...(body && {
            'content-type':
              method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
          }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await reply.body.text();
      if (reply.statusCode < 300) return text;
      throw new ApiFailure(reply.statusCode, text, headerOf(reply.headers['retry-after']));
    });

  const read: Cluster['read'] = async (kind, inNamespace, name) => {
    const text = await unless(404, () =>
      ask(`read ${kind} ${inNamespace}/${name}`, 'GET', pathOf(kind, inNamespace, name)),
    );
    return text === undefined ? undefined : toObject(parse(text));
  };

  const listAll = async (
    kind: ClusterKind,
    { namespace: only, labels }: NonNullable<Parameters<Cluster['list']>[1]>,
    limit?: number,
  ): Promise<readonly ClusterObject[]> => {
    const found: ClusterObject[] = [];
    const where = only === undefined ? 'all namespaces' : `the namespace ${only}`;
    for (let next = ''; ;) {
      const query = new URLSearchParams({
        ...(limit !== undefined && { limit: String(limit) }),
        ...(labels !== undefined && { labelSelector: labels }),
        ...(next !== '' && { continue: next }),
      });
      const path = `${pathOf(kind, only ?? '')}?${query.toString()}`;
      const page = parse(await ask(`list ${kind} of ${where}`, 'GET', path));
      const { items } = page;
      if (!Array.isArray(items))
        throw new CharmError('kubernetes-refused', 'Kubernetes sent a list without items.');
      found.push(...items.map((item) => toObject(fieldsOf(item))));
      next = textOf(fieldsOf(page['metadata'])['continue']);
      if (next === '') return found;
    }
  };

  return {
    namespace,
    read,
    // Between two pages a list can expire. Then it is read again, all of it at once.
    list: async (kind, wish = {}) =>
      (await unless(410, () => listAll(kind, wish, pageSize))) ?? (await listAll(kind, wish)),
    create: async (kind, manifest) => {
      const { namespace: inNamespace, name } = manifest.metadata;
      const text = await unless(409, () =>
        ask(
          `create ${kind} ${inNamespace}/${name}`,
          ...(['POST', pathOf(kind, inNamespace), manifest] as const),
        ),
      );
      if (text !== undefined) return toObject(parse(text));
      const existing = await orProblem(() => read(kind, inNamespace, name));
      // Secrets of users' namespaces may not be read, and nothing of one is needed.
      if (kind === 'secrets' && existing instanceof CharmError && isDenied(existing))
        return toObject(manifest);
      if (existing instanceof CharmError) throw existing;
      if (existing) return existing;
      throw new CharmError(
        'kubernetes-refused',
        `Kubernetes says that ${kind} ${inNamespace}/${name} exists, and does not find it. Try again in a minute.`,
      );
    },
    patch: async (kind, inNamespace, name, change) => {
      const what = `change ${kind} ${inNamespace}/${name}`;
      await ask(what, 'PATCH', pathOf(kind, inNamespace, name), change);
    },
    remove: async (kind, inNamespace, name) => {
      await unless(404, () =>
        ask(`delete ${kind} ${inNamespace}/${name}`, 'DELETE', pathOf(kind, inNamespace, name), {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          propagationPolicy: 'Background',
        }),
      );
    },
    log: async (inNamespace, pod, container) => {
      const query = new URLSearchParams({
        container,
        tailLines: String(lastLines),
        limitBytes: String(longestLog),
      });
      const path = `${pathOf('pods', inNamespace, pod)}/log?${query.toString()}`;
      return (
        (await unless(404, () => ask(`read the log of ${inNamespace}/${pod}`, 'GET', path))) ?? ''
      );
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...agents.values()].map(async (agent) => agent.destroy()));
    },
  };
};

const pathOf = (kind: ClusterKind, namespace: string, name?: string): string =>
  [
    apiOf[kind],
    ...(namespace === '' || kind === 'namespaces' ? [] : ['namespaces', segment(namespace)]),
    kind,
    ...(name === undefined ? [] : [segment(name)]),
  ].join('/');

const segment = (text: string): string => encodeURIComponent(text);

const headerOf = (value: string | string[] | undefined): string | undefined => [value].flat()[0];

const isDenied = ({ code }: CharmError): boolean => code === 'kubernetes-denied';

/** Undefined in place of an answer with this status, which the call has put into a CharmError. */
const unless = async <T>(status: number, work: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CharmError && error.cause instanceof ApiFailure)
      if (error.cause.status === status) return undefined;
    throw error;
  }
};

const parse = (text: string): Fields => {
  try {
    return fieldsOf(JSON.parse(text));
  } catch (cause) {
    throw new CharmError('kubernetes-refused', 'Kubernetes sent an answer that is no JSON.', {
      cause,
    });
  }
};

const toObject = (fields: Fields): ClusterObject => {
  const metadata = fieldsOf(fields['metadata']);
  const { ownerReferences } = metadata;
  return {
    namespace: textOf(metadata['namespace']),
    name: textOf(metadata['name']),
    uid: textOf(metadata['uid']),
    labels: textsOf(metadata['labels']),
    annotations: textsOf(metadata['annotations']),
    owners: Array.isArray(ownerReferences)
      ? ownerReferences.map((owner) => textOf(fieldsOf(owner)['kind']))
      : [],
    deleting: metadata['deletionTimestamp'] !== undefined,
    fields,
  };
};
