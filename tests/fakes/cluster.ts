import { CharmError } from '../../src/errors.ts';
import { fieldsOf, textOf } from '../../src/ports/fields.ts';
import type { Cluster, ClusterObject } from '../../src/world.ts';
import { JobController } from '../servers/kubernetes/job-controller.ts';
import { reconcileNotebook } from '../servers/kubernetes/notebooks.ts';
import {
  type WorkloadFaults,
  hindranceOf,
  refusalOf,
  showHindrance,
} from '../servers/kubernetes/pod-hindrances.ts';
import { Refusal } from '../servers/kubernetes/refusal.ts';
import {
  type ContainerSpec,
  type StoredObject,
  claimsOf,
} from '../servers/kubernetes/stored-object.ts';
import { type Kind, WorkloadStore } from '../servers/kubernetes/workload-store.ts';

/** A container that was started. */
export interface ContainerRun {
  readonly pod: StoredObject;
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

export interface ContainerEnd {
  readonly exitCode: number;
  readonly output: string;
}

/**
 * A cluster in memory, with the rules of the API server and the Job controller. `onRun` says what a
 * container does: by default it exits 127, as an image without that program does. What serves goes
 * on until its pod is deleted. `calls` has what was asked, such as `create jobs alice`.
 */
export class FakeCluster implements Cluster {
  readonly namespace: string;
  readonly store = new WorkloadStore();
  /** What keeps pods from starting, by `<namespace>/<claim>`. */
  readonly faults = new Map<string, WorkloadFaults>();
  readonly calls: string[] = [];
  onRun: (run: ContainerRun) => ContainerEnd | Promise<ContainerEnd> = ({
    command: [program],
  }) => ({
    exitCode: 127,
    output: `exec: "${program ?? ''}": executable file not found in $PATH`,
  });
  /** Called before each request is served; may throw. */
  onCall: (call: string) => void = () => undefined;
  readonly #logs = new Map<string, string>();
  readonly #servers = new Map<string, ContainerRun>();
  readonly #jobs: JobController;
  #addresses = 0;

  constructor(namespace = 'kubeflow') {
    this.namespace = namespace;
    const { store } = this;
    store.create('namespaces', '', {
      ...{ apiVersion: 'v1', kind: 'Namespace' },
      metadata: { name: namespace },
    });
    this.#jobs = new JobController(store, this.faults, {
      create: (where, pod) => {
        this.#start(store.create('pods', where, pod));
      },
      remove: ({ metadata }) => {
        store.remove('pods', metadata.namespace ?? '', metadata.name);
      },
    });
  }

  read: Cluster['read'] = async (kind, namespace, name) => {
    this.#note(`read ${kind} ${namespace}`);
    const found = this.store.find(kind, namespace, name);
    return found && objectOf(found);
  };

  list: Cluster['list'] = async (kind, { namespace, labels = '' } = {}) => {
    this.#note(`list ${kind} ${namespace ?? ''}`);
    return this.store.list(kind, namespace, labels).map(objectOf);
  };

  create: Cluster['create'] = async (kind, manifest) => {
    const { namespace, name } = manifest.metadata;
    this.#note(`create ${kind} ${namespace}`);
    const known = this.store.find(kind, namespace, name);
    if (known) return objectOf(known);
    refusable(() => this.store.create(kind, namespace, manifest));
    if (kind === 'persistentvolumeclaims') {
      const { storage } = this.store.get(kind, namespace, name).spec?.resources?.requests ?? {};
      this.store.patch(kind, namespace, name, {
        status: { phase: 'Bound', capacity: { storage } },
      });
    }
    const made = this.store.get(kind, namespace, name);
    if (kind === 'pods') this.#start(made);
    if (kind === 'jobs') this.#jobs.start(made);
    return objectOf(this.store.get(kind, namespace, name));
  };

  patch: Cluster['patch'] = async (kind, namespace, name, change) => {
    this.#note(`patch ${kind} ${namespace}`);
    const patched = refusable(() => this.store.patch(kind, namespace, name, change));
    if (kind === 'jobs') this.#jobs.start(patched);
    if (kind === 'notebooks') reconcileNotebook(this.store, patched);
  };

  remove: Cluster['remove'] = async (kind, namespace, name) => {
    this.#note(`remove ${kind} ${namespace}`);
    if (this.store.find(kind, namespace, name)) this.store.remove(kind, namespace, name);
  };

  log: Cluster['log'] = async (namespace, pod, container) => {
    this.#note(`log ${namespace}`);
    if (this.store.find('pods', namespace, pod) === undefined) return '';
    const log = this.#logs.get(`${namespace}/${pod}/${container}`) ?? '';
    return log.split('\n').slice(-10_000).join('\n');
  };

  async [Symbol.asyncDispose](): Promise<void> {}

  /** What serves at an address, or next to a container of this pod; undefined when nothing does. */
  serverOf(place: string | StoredObject): ContainerRun | undefined {
    return [...this.#servers].find(([address, { pod }]) => {
      const { namespace = '', name, uid } = pod.metadata;
      const isThere = this.store.find('pods', namespace, name)?.metadata.uid === uid;
      return (
        isThere && (typeof place === 'string' ? address === place : place.metadata.uid === uid)
      );
    })?.[1];
  }

  #note(call: string): void {
    this.calls.push(call);
    this.onCall(call);
  }

  /** The kubelet. */
  #start(pod: StoredObject): void {
    const { store } = this;
    const { namespace = '' } = pod.metadata;
    const image = claimsOf(pod.spec)
      .map((claim) => this.faults.get(`${namespace}/${claim}`)?.image)
      .find(Boolean);
    const hindrance = hindranceOf(store, this.faults, pod);
    const containers = pod.spec?.containers ?? [];
    if (image !== undefined) {
      this.#show(pod, { waiting: { reason: 'ImagePullBackOff', message: image } });
      store.warn(pod, 'Failed', image);
    } else if (hindrance !== undefined) showHindrance(store, pod, hindrance);
    else if (refusalOf(store, this.faults, namespace, pod.spec ?? {}) === undefined)
      // Not before who made the pod has its answer.
      void Promise.resolve().then(() => this.#run(pod, containers));
  }

  async #run(pod: StoredObject, containers: readonly ContainerSpec[]): Promise<void> {
    const { namespace = '', name, uid } = pod.metadata;
    const runs = containers.map((container): readonly [string, ContainerRun] => [
      container.name,
      {
        pod,
        command: [...(container.command ?? []), ...(container.args ?? [])],
        variables: this.#variablesOf(namespace, container),
      },
    ]);
    const address = `10.1.1.${(this.#addresses += 1)}`;
    const serves = (run: ContainerRun): boolean => run.command.includes('serve');
    for (const [, run] of runs) if (serves(run)) this.#servers.set(address, run);
    this.#show(pod, { running: {} }, address);
    const work = runs.filter(([, run]) => !serves(run));
    for (const [container, run] of work) {
      const { exitCode, output } = await this.onRun(run);
      this.#logs.set(`${namespace}/${name}/${container}`, output);
      if (this.store.find('pods', namespace, name)?.metadata.uid !== uid) return;
      const message = exitCode === 0 ? '' : output.slice(-2048);
      this.#show(pod, { terminated: { exitCode, message } }, address, container);
      if (work.length === containers.length) this.#jobs.podEnded(pod, [exitCode]);
    }
  }

  #show(pod: StoredObject, state: object, podIP = '', container?: string): void {
    const { namespace = '', name } = pod.metadata;
    const isRunning = 'running' in state;
    const known = this.store.get('pods', namespace, name).status?.containerStatuses ?? [];
    this.store.patch('pods', namespace, name, {
      status: {
        phase: isRunning ? 'Running' : 'terminated' in state ? 'Succeeded' : 'Pending',
        podIP,
        containerStatuses: (pod.spec?.containers ?? []).map((one) =>
          container === undefined || one.name === container
            ? { name: one.name, ready: isRunning, state }
            : (known.find((status) => status.name === one.name) ?? { name: one.name }),
        ),
      },
    });
  }

  #variablesOf(namespace: string, { env = [] }: ContainerSpec): Readonly<Record<string, string>> {
    return Object.fromEntries(
      env.map(({ name, value = '', valueFrom }) => {
        const reference = valueFrom?.secretKeyRef;
        if (reference === undefined) return [name, value];
        const { data = {} } = this.store.get('secrets', namespace, reference.name);
        return [name, Buffer.from(data[reference.key] ?? '', 'base64').toString()];
      }),
    );
  }
}

const refusable = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new CharmError('kubernetes-refused', error.message, { cause: error });
  }
};

/** As the port shows an object that the API server has. */
const objectOf = (stored: StoredObject): ClusterObject => {
  const { namespace = '', name, uid, labels = {}, annotations = {} } = stored.metadata;
  const owners = (stored.metadata.ownerReferences ?? []).map(({ kind }) => kind);
  const deleting = textOf(fieldsOf(stored.metadata)['deletionTimestamp']) !== '';
  return { namespace, name, uid, labels, annotations, owners, deleting, fields: { ...stored } };
};

/** Everything of ours in a cluster, such as `pods kubeflow`. */
export const oursIn = ({ store }: FakeCluster): readonly string[] =>
  (['jobs', 'pods', 'secrets'] satisfies Kind[]).flatMap((kind) =>
    store
      .list(kind, undefined, 'ckf-backup/session')
      .map(({ metadata }) => `${kind} ${metadata.namespace ?? ''}`),
  );
