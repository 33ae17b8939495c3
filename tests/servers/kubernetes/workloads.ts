import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from './refusal.ts';
import { type RunningContainer, clearPod, startContainers } from './workload-pod.ts';
import { type ObjectSpec, type StoredObject, claimsOf } from './stored-object.ts';
import { type Kind, WorkloadStore, isKind } from './workload-store.ts';

export type Answer = { readonly json: object } | { readonly text: string } | undefined;

/** What goes wrong with the pods of a Job, by the name of their claim. */
export interface WorkloadFaults {
  /** Creating a pod is refused with this message. */
  readonly refuse?: string;
  /** The image cannot be pulled. */
  readonly image?: string;
}

export interface WorkloadOptions {
  /** Where claims and pods are directories. */
  readonly directory: string;
  /** The namespace of the model, whose other pods are not ours to answer for. */
  readonly model: string;
  readonly program: (name: string) => string | undefined;
}

interface Pod {
  readonly name: string;
  readonly namespace: string;
  readonly place: { readonly directory: string; readonly ip: string };
  containers: readonly RunningContainer[];
  readonly ended: Map<string, { readonly exitCode: number; readonly message: string }>;
}

/**
 * The controllers and the kubelet of a cluster of which Jobs and Pods are real processes: claims are directories, each
 * pod has an address of its own, and a volume that only one node may mount is mounted on one.
 */
export class Workloads implements AsyncDisposable {
  readonly store = new WorkloadStore();
  readonly faults = new Map<string, WorkloadFaults>();
  /** Everything that was ever created over the API. */
  readonly made: StoredObject[] = [];
  /** The pods of a claim's Jobs do not start before this resolves. */
  readonly holds = new Map<string, Promise<unknown>>();
  readonly #options: WorkloadOptions;
  readonly #pods = new Map<string, Pod>();
  readonly #deadlines = new Map<string, NodeJS.Timeout>();
  #count = 0;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.store.create('namespaces', '', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: options.model },
    });
  }

  /** The directory of a claim. */
  directoryOf(namespace: string, claim: string): string {
    return join(this.#options.directory, namespace, claim);
  }

  /** Undefined when the request is about something else. */
  answer(method: string, url: URL, body: unknown): Answer {
    const match =
      /^\/(?:api\/v1|apis\/batch\/v1)(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?(\/log)?$/.exec(
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

  /** Kills the processes of the pods of a role, as when their node goes. Returns how many there were. */
  killPods(role: string): number {
    const pods = this.store
      .all('pods')
      .filter(({ metadata }) => metadata.labels?.['ckf-backup/role'] === role);
    for (const { metadata } of pods)
      for (const { kill } of this.#pods.get(`${metadata.namespace}/${metadata.name}`)?.containers ??
        [])
        kill('SIGKILL');
    return pods.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#deadlines.values()) clearTimeout(timer);
    const containers = [...this.#pods.values()].flatMap((pod) => pod.containers);
    for (const { kill } of containers) kill('SIGKILL');
    await Promise.all(containers.map(async ({ ended }) => ended));
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
    if (method === 'GET' && name === undefined)
      return {
        kind: 'List',
        apiVersion: 'v1',
        metadata: {},
        items: store.list(kind, namespace, url.searchParams.get('labelSelector') ?? ''),
      };
    if (method === 'GET') return store.get(kind, where, name ?? '');
    if (method === 'PATCH') {
      const patched = store.patch(kind, where, name ?? '', body);
      if (kind === 'jobs') this.#startJob(patched);
      return patched;
    }
    if (method === 'DELETE') {
      for (const removed of store.remove(kind, where, name ?? ''))
        if (removed.kind === 'Pod') this.#stopPod(removed);
      return { kind: 'Status', apiVersion: 'v1', status: 'Success' };
    }
    throw new Refusal(405, 'MethodNotAllowed', `${method} is not allowed`);
  }

  #create(kind: Kind, namespace: string, body: unknown): object {
    const object = this.store.create(kind, namespace, body);
    const { name } = object.metadata;
    this.made.push(object);
    if (kind === 'persistentvolumeclaims') {
      mkdirSync(this.directoryOf(namespace, name), { recursive: true });
      const capacity = { storage: object.spec?.resources?.requests.storage };
      return this.store.patch(kind, namespace, name, { status: { phase: 'Bound', capacity } });
    }
    if (kind === 'pods') this.#startPod(object);
    if (kind === 'jobs') this.#startJob(object);
    return this.store.get(kind, namespace, name);
  }

  #warn(about: StoredObject, reason: string, message: string): void {
    const { namespace = '', name } = about.metadata;
    const event = `${name}.${(this.#count += 1).toString(16)}`;
    this.store.create('events', namespace, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: event, namespace },
      involvedObject: { kind: about.kind, name, namespace },
      type: 'Warning',
      ...{ reason, message },
    });
  }

  #startJob(job: StoredObject): void {
    const { namespace = '', name } = job.metadata;
    if (job.spec?.suspend === true || job.status?.started === true) return;
    this.store.patch('jobs', namespace, name, { status: { started: true } });
    const { activeDeadlineSeconds } = job.spec ?? {};
    if (typeof activeDeadlineSeconds === 'number')
      this.#deadlines.set(
        `${namespace}/${name}`,
        setTimeout(() => {
          if (this.store.find('jobs', namespace, name) === undefined) return;
          this.#endJob(
            job,
            'Failed',
            'DeadlineExceeded',
            'Job was active longer than specified deadline',
          );
          for (const pod of this.#podsOf(job)) {
            this.store.remove('pods', namespace, pod.metadata.name);
            this.#stopPod(pod);
          }
        }, activeDeadlineSeconds * 1000).unref(),
      );
    this.#startJobPod(job);
  }

  #podsOf(job: StoredObject): readonly StoredObject[] {
    return this.store.list('pods', job.metadata.namespace, `job-name=${job.metadata.name}`);
  }

  #startJobPod(job: StoredObject): void {
    const { namespace = '', name, uid } = job.metadata;
    const { template } = job.spec ?? {};
    if (template === undefined) return;
    const claims = claimsOf(template.spec);
    const refusal =
      claims.map((claim) => this.faults.get(`${namespace}/${claim}`)?.refuse).find(Boolean) ??
      this.#podSecurity(namespace, template.spec);
    if (refusal !== undefined) {
      this.#warn(job, 'FailedCreate', `Error creating: ${refusal}`);
      return;
    }
    this.#create('pods', namespace, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        namespace,
        name: `${name}-${(this.#count += 1).toString(36).padStart(5, '0')}`,
        labels: { ...template.metadata?.labels, 'job-name': name },
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid }],
      },
      spec: template.spec,
    });
  }

  /** What the admission of pods refuses under `restricted` that our pods could do. */
  #podSecurity(namespace: string, { containers = [] }: ObjectSpec): string | undefined {
    const labels = this.store.find('namespaces', '', namespace)?.metadata.labels ?? {};
    if (labels['pod-security.kubernetes.io/enforce'] !== 'restricted') return undefined;
    const root = containers.some(({ securityContext }) => securityContext?.runAsUser === 0);
    return root
      ? 'pods is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'
      : undefined;
  }

  #startPod(pod: StoredObject): void {
    const { namespace = '', name } = pod.metadata;
    const key = `${namespace}/${name}`;
    const claims = claimsOf(pod.spec);
    this.#count += 1;
    const ip = `127.77.${(this.#count >> 8) % 256}.${(this.#count % 254) + 1}`;
    const place = { directory: join(this.#options.directory, '.pods', key), ip };
    const started: Pod = { name, namespace, place, containers: [], ended: new Map() };
    this.#pods.set(key, started);
    const image = claims
      .map((claim) => this.faults.get(`${namespace}/${claim}`)?.image)
      .find(Boolean);
    if (image !== undefined) {
      this.#wait(pod, 'ImagePullBackOff', image);
      this.#warn(pod, 'Failed', image);
      return;
    }
    for (const claim of claims) {
      const found = this.store.find('persistentvolumeclaims', namespace, claim);
      if (found === undefined) {
        this.#warn(pod, 'FailedScheduling', `persistentvolumeclaim "${claim}" not found`);
        return;
      }
      const elsewhere = this.#mountedElsewhere(pod, found);
      if (elsewhere !== undefined) {
        this.#warn(
          pod,
          'FailedAttachVolume',
          `Multi-Attach error for volume "pvc-${claim}": Volume is already used by pod(s) ${elsewhere}`,
        );
        return;
      }
    }
    const holds = claims.flatMap((claim) => this.holds.get(`${namespace}/${claim}`) ?? []);
    if (holds.length === 0) this.#startContainers(pod, started);
    else
      void Promise.all(holds).then(() => {
        if (this.store.find('pods', namespace, name)) this.#startContainers(pod, started);
      });
  }

  #startContainers(pod: StoredObject, started: Pod): void {
    const { namespace, name, place } = started;
    const containers = startContainers(pod, {
      ...place,
      claim: (claim) => this.directoryOf(namespace, claim),
      program: this.#options.program,
      secret: (secret) => {
        const data = this.store.find('secrets', namespace, secret)?.data;
        return (
          data &&
          Object.fromEntries(
            Object.entries(data).map(([key, text]) => [
              key,
              Buffer.from(text, 'base64').toString(),
            ]),
          )
        );
      },
    });
    if (containers === undefined) {
      this.#wait(pod, 'CreateContainerConfigError', 'a secret was not found');
      setTimeout(() => {
        if (this.store.find('pods', namespace, name)) this.#startContainers(pod, started);
      }, 200).unref();
      return;
    }
    started.containers = containers;
    for (const container of containers)
      void container.ended.then((end) => {
        started.ended.set(container.name, end);
        if (this.store.find('pods', namespace, name) === undefined) return;
        this.#show(started);
        if (started.ended.size === containers.length) this.#podEnded(pod, started);
      });
    this.#show(started);
    void this.#probe(started);
  }

  async #probe(started: Pod): Promise<void> {
    const { namespace, name } = started;
    for (let attempt = 0; attempt < 600; attempt += 1) {
      if (this.store.find('pods', namespace, name) === undefined) return;
      if (started.ended.size > 0) return;
      const ready = await Promise.all(started.containers.map(async (one) => one.ready()));
      if (ready.every(Boolean)) {
        if (this.store.find('pods', namespace, name)) this.#show(started, true);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 50).unref());
    }
  }

  #show(started: Pod, ready = false): void {
    const { namespace, name, place, containers, ended } = started;
    const codes = [...ended.values()].map(({ exitCode }) => exitCode);
    const phase =
      ended.size < containers.length
        ? 'Running'
        : codes.every((code) => code === 0)
          ? 'Succeeded'
          : 'Failed';
    this.store.patch('pods', namespace, name, {
      status: {
        phase,
        podIP: place.ip,
        containerStatuses: containers.map((container) => {
          const end = ended.get(container.name);
          return {
            name: container.name,
            ready: ready && end === undefined,
            state: end === undefined ? { running: {} } : { terminated: end },
          };
        }),
      },
    });
  }

  #wait(pod: StoredObject, reason: string, message: string): void {
    const { namespace = '', name } = pod.metadata;
    this.store.patch('pods', namespace, name, {
      status: {
        phase: 'Pending',
        containerStatuses: [
          {
            name: pod.spec?.containers?.[0]?.name,
            ready: false,
            state: { waiting: { reason, message } },
          },
        ],
      },
    });
  }

  /** The Job controller: counts failures, and keeps to the podFailurePolicy. */
  #podEnded(pod: StoredObject, { ended }: Pod): void {
    const { namespace = '' } = pod.metadata;
    const owner = pod.metadata.ownerReferences?.[0];
    const job = this.store
      .all('jobs', namespace)
      .find(({ metadata }) => metadata.uid === owner?.uid);
    if (job === undefined || job.status?.conditions !== undefined) return;
    const codes = [...ended.values()].map(({ exitCode }) => exitCode);
    if (codes.every((code) => code === 0)) {
      this.#endJob(job, 'Complete', 'CompletionsReached', '');
      return;
    }
    const rules = job.spec?.podFailurePolicy?.rules ?? [];
    const isFinal = rules.some(
      ({ action, onExitCodes }) =>
        action === 'FailJob' && codes.some((code) => onExitCodes?.values.includes(code) === true),
    );
    const failures = (job.status?.failed ?? 0) + 1;
    this.store.patch('jobs', namespace, job.metadata.name, { status: { failed: failures } });
    if (isFinal) this.#endJob(job, 'Failed', 'PodFailurePolicy', 'Container restic failed');
    else if (failures > (job.spec?.backoffLimit ?? 6))
      this.#endJob(
        job,
        'Failed',
        'BackoffLimitExceeded',
        'Job has reached the specified backoff limit',
      );
    else this.#startJobPod(job);
  }

  #endJob(job: StoredObject, type: 'Complete' | 'Failed', reason: string, message: string): void {
    const { namespace = '', name } = job.metadata;
    this.store.patch('jobs', namespace, name, {
      status: { conditions: [{ type, status: 'True', reason, message }] },
    });
  }

  /** The pod on another node that has the volume, when only one node may. */
  #mountedElsewhere(pod: StoredObject, claim: StoredObject): string | undefined {
    const modes: readonly string[] = claim.spec?.accessModes ?? [];
    if (modes.includes('ReadWriteMany')) return undefined;
    const terms =
      pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
        ?.nodeSelectorTerms ?? [];
    // Without a wish the scheduler puts it wherever it likes, which is the last node here.
    const node = terms[0]?.matchFields[0]?.values[0] ?? 'node-9';
    return this.store
      .all('pods', claim.metadata.namespace)
      .find(
        (other) =>
          other.spec?.nodeName !== undefined &&
          other.spec.nodeName !== node &&
          claimsOf(other.spec).includes(claim.metadata.name),
      )?.metadata.name;
  }

  #stopPod({ metadata }: StoredObject): void {
    const key = `${metadata.namespace}/${metadata.name}`;
    const pod = this.#pods.get(key);
    this.#pods.delete(key);
    for (const { kill } of pod?.containers ?? []) kill('SIGKILL');
    if (pod)
      void Promise.all(pod.containers.map(async ({ ended }) => ended)).then(() => {
        clearPod({
          ...pod.place,
          claim: () => '',
          secret: () => undefined,
          program: () => undefined,
        });
      });
  }

  #log(namespace: string, name: string, url: URL): string {
    this.store.get('pods', namespace, name);
    const pod = this.#pods.get(`${namespace}/${name}`);
    const wanted = url.searchParams.get('container');
    return pod?.containers.find((container) => container.name === wanted)?.log() ?? '';
  }
}
