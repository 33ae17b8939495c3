import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { JobController } from './job-controller.ts';
import { Kubelet } from './kubelet.ts';
import { type WorkloadFaults, nodeOf } from './pod-hindrances.ts';
import { listResources } from './lists.ts';
import { newNotebook, reconcileNotebook } from './notebooks.ts';
import { Refusal } from './refusal.ts';
import type { StoredObject } from './stored-object.ts';
import { type Kind, WorkloadStore, isKind } from './workload-store.ts';

export type Answer = { readonly json: object } | { readonly text: string } | undefined;

export interface WorkloadOptions {
  /** Where claims and pods are directories. */
  readonly directory: string;
  /** The namespace of the model, whose other pods are not ours to answer for. */
  readonly model: string;
  readonly program: (name: string) => string | undefined;
}

/**
 * The API of a cluster of which Jobs and Pods are real processes: claims are directories, each pod
 * has an address of its own, and a volume that only one node may mount is mounted on one.
 */
export class Workloads implements AsyncDisposable {
  readonly store = new WorkloadStore();
  readonly faults = new Map<string, WorkloadFaults>();
  /** Everything that was ever created over the API. */
  readonly made: StoredObject[] = [];
  /** Called before anything comes of it. */
  onMade: (object: StoredObject) => void = () => undefined;
  /** By image: the one program that it has. All other images have those of this machine. */
  readonly images = new Map<string, string>();
  /** The pods of a claim's Jobs do not start before this resolves. */
  readonly holds = new Map<string, Promise<unknown>>();
  /** So many of the next continue tokens have expired. */
  expiredTokens = 0;
  readonly #options: WorkloadOptions;
  readonly #jobs: JobController;
  readonly #kubelet: Kubelet;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    const { store, faults, holds } = this;
    mkdirSync(options.directory, { recursive: true });
    // Other users than root run here.
    chmodSync(options.directory, 0o755);
    this.#jobs = new JobController(store, faults, {
      create: (namespace, pod) => {
        this.#create('pods', namespace, pod);
      },
      remove: ({ metadata }) => {
        this.#remove('pods', metadata.namespace ?? '', metadata.name);
      },
    });
    this.#kubelet = new Kubelet({
      ...{ store, faults, holds, directory: options.directory },
      program: (name, image) => this.images.get(image) ?? options.program(name),
      directoryOf: (namespace, claim) => this.directoryOf(namespace, claim),
      ended: (pod, exitCodes) => {
        this.#jobs.podEnded(pod, exitCodes);
        const { namespace = '', name } = pod.metadata;
        // The last that a deletion does, after the Job controller has counted the pod.
        if (store.find('pods', namespace, name)?.metadata.deletionTimestamp !== undefined)
          this.#remove('pods', namespace, name);
      },
    });
    store.create('namespaces', '', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: options.model },
    });
  }

  /** Milliseconds that a second takes of what the cluster waits for: 1000 by itself. */
  set second(milliseconds: number) {
    this.#jobs.second = milliseconds;
  }

  /** The directory of a claim. */
  directoryOf(namespace: string, claim: string): string {
    return join(this.#options.directory, namespace, claim);
  }

  /** Undefined when the request is about something else. */
  answer(method: string, url: URL, body: unknown): Answer {
    const match =
      /^\/(?:api\/v1|apis\/batch\/v1|apis\/kubeflow\.org\/v1)(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?(\/log)?$/.exec(
        url.pathname,
      );
    const wholeNamespace = /^\/api\/v1\/namespaces(?:\/([^/]+))?$/.exec(url.pathname);
    const [, namespace, kind = '', name, log] = wholeNamespace
      ? [url.pathname, undefined, 'namespaces', wholeNamespace[1], undefined]
      : (match ?? []);
    if (!isKind(kind)) return undefined;
    if (kind === 'pods' && namespace === this.#options.model && !this.#isOurs(method, name, url))
      return undefined;
    if (log !== undefined) return { text: this.#log(namespace ?? '', name ?? '', url) };
    return { json: this.#perform(method, kind, namespace, name, url, body) };
  }

  /** A notebook with its pod, which only stands there. */
  addNotebook(namespace: string, name: string, claim: string, annotations = {}): void {
    const notebook = newNotebook({ namespace, name, claim, annotations });
    reconcileNotebook(this.store, this.store.create('notebooks', namespace, notebook));
  }

  /** A pod of a user, which only stands there. */
  addUserPod(namespace: string, name: string, claim: string, node = 'node-1'): void {
    this.store.create('pods', namespace, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace },
      spec: {
        nodeName: node,
        containers: [{ name, image: 'jupyter' }],
        volumes: [{ name: 'home', persistentVolumeClaim: { claimName: claim } }],
      },
    });
    this.store.patch('pods', namespace, name, { status: { phase: 'Running' } });
  }

  /** Kills the processes of the pods of a role. Returns how many there were. */
  killPods(role: string): number {
    const pods = this.store.list('pods', undefined, `ckf-backup/role=${role}`);
    for (const pod of pods) this.killPod(pod);
    return pods.length;
  }

  /** Kills the processes of a pod, as when its memory does not suffice. */
  killPod({ metadata }: StoredObject): void {
    this.#kubelet.signal(metadata, 'SIGKILL');
  }

  /** As `kubectl delete pod`: its processes are asked to end, and then it is gone. */
  deletePod({ metadata }: StoredObject): void {
    const { namespace = '', name } = metadata;
    const deletionTimestamp = new Date().toISOString();
    this.store.patch('pods', namespace, name, { metadata: { deletionTimestamp } });
    this.#kubelet.signal(metadata, 'SIGTERM');
  }

  /** Deletes a pod because its node is drained. */
  evictPod(pod: StoredObject): void {
    const { namespace = '', name } = pod.metadata;
    this.store.patch('pods', namespace, name, {
      status: {
        conditions: [
          {
            ...{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' },
            message: 'Eviction API: evicting',
          },
        ],
      },
    });
    this.deletePod(pod);
  }

  /**
   * As `kubectl drain`: no pod comes to the node any more, and those that are there are evicted.
   * Those of users are gone at once, and nobody makes them again.
   */
  drain(node: string): void {
    const { store } = this;
    store.create('nodes', '', {
      ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: node } },
      spec: { unschedulable: true },
    });
    for (const pod of store.all('pods').filter((one) => nodeOf(one) === node)) {
      const { namespace = '', name } = pod.metadata;
      if (pod.metadata.ownerReferences === undefined) this.#remove('pods', namespace, name);
      else this.evictPod(pod);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#jobs[Symbol.dispose]();
    await this.#kubelet[Symbol.asyncDispose]();
  }

  #isOurs(method: string, name: string | undefined, url: URL): boolean {
    if (name !== undefined)
      return (
        this.store.find('pods', this.#options.model, name) !== undefined ||
        name.startsWith('ckf-backup-')
      );
    return (
      method === 'POST' ||
      (url.searchParams.get('labelSelector') ?? '').includes('ckf-backup/session')
    );
  }

  #perform(
    method: string,
    kind: Kind,
    namespace: string | undefined,
    name: string | undefined,
    url: URL,
    body: unknown,
  ): object {
    const { store } = this;
    const where = namespace ?? '';
    if (method === 'POST' && name === undefined) return this.#create(kind, where, body);
    if (method === 'GET' && name === undefined) {
      if (url.searchParams.has('continue') && this.expiredTokens > 0) {
        this.expiredTokens -= 1;
        throw new Refusal(410, 'Expired', 'The provided continue parameter is too old');
      }
      return listResources(store.all(kind, namespace), url.searchParams);
    }
    if (method === 'GET') return store.get(kind, where, name ?? '');
    if (method === 'PATCH') {
      const patched = store.patch(kind, where, name ?? '', body);
      if (kind === 'jobs') this.#jobs.start(patched);
      if (kind === 'notebooks') reconcileNotebook(store, patched);
      return patched;
    }
    if (method === 'DELETE') {
      this.#remove(kind, where, name ?? '');
      return { kind: 'Status', apiVersion: 'v1', status: 'Success' };
    }
    throw new Refusal(405, 'MethodNotAllowed', `${method} is not allowed`);
  }

  #create(kind: Kind, namespace: string, body: unknown): object {
    const object = this.store.create(kind, namespace, body);
    const { name } = object.metadata;
    this.made.push(object);
    this.onMade(object);
    if (kind === 'persistentvolumeclaims') {
      const directory = this.directoryOf(namespace, name);
      mkdirSync(directory, { recursive: true });
      // As the kubelet does with the fsGroup of notebooks.
      if (process.getuid?.() === 0) chownSync(directory, 0, 100);
      chmodSync(directory, 0o2775);
      const capacity = { storage: object.spec?.resources?.requests.storage };
      return this.store.patch(kind, namespace, name, { status: { phase: 'Bound', capacity } });
    }
    if (kind === 'pods') this.#kubelet.start(object);
    if (kind === 'jobs') this.#jobs.start(object);
    return this.store.get(kind, namespace, name);
  }

  #remove(kind: Kind, namespace: string, name: string): void {
    for (const removed of this.store.remove(kind, namespace, name))
      if (removed.kind === 'Pod') this.#kubelet.stop(removed);
  }

  #log(namespace: string, name: string, url: URL): string {
    this.store.get('pods', namespace, name);
    const whole = this.#kubelet.log(namespace, name, url.searchParams.get('container'));
    const { tailLines, limitBytes } = Object.fromEntries(url.searchParams);
    const tail = tailLines === undefined ? whole : lastLines(whole, Number(tailLines));
    // As the API does: of what is left, the beginning.
    return limitBytes === undefined ? tail : String(Buffer.from(tail).subarray(0, +limitBytes));
  }
}

const lastLines = (text: string, count: number): string => {
  const lines = text.split('\n');
  return lines.slice(-count - (text.endsWith('\n') ? 1 : 0)).join('\n');
};
