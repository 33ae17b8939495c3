import { join } from 'node:path';
import { type FaultsByClaim, hindranceOf, showHindrance } from './pod-hindrances.ts';
import { type StoredObject, claimsOf } from './stored-object.ts';
import { type RunningContainer, clearPod, startContainers } from './workload-pod.ts';
import type { WorkloadStore } from './workload-store.ts';

export interface KubeletOptions {
  readonly store: WorkloadStore;
  readonly faults: FaultsByClaim;
  /** The pods of a claim do not start before this resolves. */
  readonly holds: ReadonlyMap<string, Promise<unknown>>;
  /** Where pods write what is not on a volume. */
  readonly directory: string;
  readonly directoryOf: (namespace: string, claim: string) => string;
  readonly program: (name: string, image: string) => string | undefined;
  readonly ended: (pod: StoredObject, exitCodes: readonly number[]) => void;
}

interface Pod {
  readonly name: string;
  readonly namespace: string;
  readonly place: { readonly directory: string; readonly ip: string };
  containers: readonly RunningContainer[];
  readonly ended: Map<string, { readonly exitCode: number; readonly message: string }>;
}

/**
 * Runs the containers of pods as processes, and writes how they stand into the status of the pods.
 */
export class Kubelet implements AsyncDisposable {
  readonly #options: KubeletOptions;
  readonly #pods = new Map<string, Pod>();
  #count = 0;

  constructor(options: KubeletOptions) {
    this.#options = options;
  }

  start(pod: StoredObject): void {
    const { store, faults, holds, directory } = this.#options;
    const { namespace = '', name } = pod.metadata;
    const key = `${namespace}/${name}`;
    const claims = claimsOf(pod.spec).map((claim) => `${namespace}/${claim}`);
    this.#count += 1;
    const ip = addressOf(process.pid, this.#count);
    const place = { directory: join(directory, '.pods', key), ip };
    const started: Pod = { name, namespace, place, containers: [], ended: new Map() };
    this.#pods.set(key, started);
    const image = claims.map((claim) => faults.get(claim)?.image).find(Boolean);
    if (image !== undefined) {
      this.#wait(pod, 'ImagePullBackOff', image);
      store.warn(pod, 'Failed', image);
      return;
    }
    const hindrance = hindranceOf(store, faults, pod);
    if (hindrance !== undefined) {
      showHindrance(store, pod, hindrance);
      return;
    }
    const held = claims.flatMap((claim) => holds.get(claim) ?? []);
    if (held.length === 0) this.#startContainers(pod, started);
    else
      void Promise.all(held).then(() => {
        if (store.find('pods', namespace, name)) this.#startContainers(pod, started);
      });
  }

  /** To be called when a pod was deleted. */
  stop({ metadata }: StoredObject): void {
    const key = `${metadata.namespace}/${metadata.name}`;
    const pod = this.#pods.get(key);
    if (pod === undefined) return;
    this.#pods.delete(key);
    for (const { kill } of pod.containers) kill('SIGKILL');
    void Promise.all(pod.containers.map(async ({ ended }) => ended)).then(() => {
      clearPod(pod.place.directory);
    });
  }

  /** Signals the processes of a pod, which stays. */
  signal({ namespace, name }: StoredObject['metadata'], signal: NodeJS.Signals): void {
    for (const { kill } of this.#pods.get(`${namespace}/${name}`)?.containers ?? []) kill(signal);
  }

  log(namespace: string, name: string, container: string | null): string {
    const pod = this.#pods.get(`${namespace}/${name}`);
    return pod?.containers.find((one) => one.name === container)?.log() ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const containers = [...this.#pods.values()].flatMap((pod) => pod.containers);
    for (const { kill } of containers) kill('SIGKILL');
    await Promise.all(containers.map(async ({ ended }) => ended));
  }

  #startContainers(pod: StoredObject, started: Pod): void {
    const { store, directoryOf, program, ended } = this.#options;
    const { namespace, name, place } = started;
    const containers = startContainers(pod, {
      ...place,
      claim: (claim) => directoryOf(namespace, claim),
      program,
      secret: (secret) => {
        const data = store.find('secrets', namespace, secret)?.data;
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
        if (store.find('pods', namespace, name)) this.#startContainers(pod, started);
      }, 200).unref();
      return;
    }
    started.containers = containers;
    for (const container of containers)
      void container.ended.then((end) => {
        started.ended.set(container.name, end);
        if (store.find('pods', namespace, name) === undefined) return;
        this.#show(started);
        if (started.ended.size === containers.length)
          ended(
            pod,
            [...started.ended.values()].map(({ exitCode }) => exitCode),
          );
      });
    this.#show(started);
    void this.#probe(started);
  }

  async #probe(started: Pod): Promise<void> {
    const { namespace, name } = started;
    for (let attempt = 0; attempt < 600; attempt += 1) {
      if (this.#options.store.find('pods', namespace, name) === undefined) return;
      if (started.ended.size > 0) return;
      const ready = await Promise.all(started.containers.map(async (one) => one.ready()));
      if (ready.every(Boolean)) {
        if (this.#options.store.find('pods', namespace, name)) this.#show(started, true);
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
    this.#options.store.patch('pods', namespace, name, {
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
    this.#options.store.patch('pods', namespace, name, {
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
}

/**
 * An address of loopback for a pod. Each process has its own, because two runs of tests on one
 * machine would speak to each other's pods otherwise.
 */
const addressOf = (pid: number, count: number): string =>
  `127.${64 + (pid % 128)}.${((pid >> 7) + Math.floor(count / 254)) % 256}.${(count % 254) + 1}`;
