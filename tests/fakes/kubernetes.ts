import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CharmError, reasonOf } from '../../src/errors.ts';
import type {
  Container,
  CustomResource,
  CustomResourceKind,
  ExecTarget,
  Kubernetes,
  Pod,
} from '../../src/world.ts';
import { matchesSelector } from '../servers/kubernetes/selector.ts';

export interface FakeCommand {
  readonly target: ExecTarget;
  readonly command: readonly string[];
  readonly stdin: Buffer;
}

export interface FakeOutcome {
  readonly exitCode?: number;
  readonly stdout?: string | Uint8Array | AsyncIterable<Uint8Array>;
  readonly stderr?: string;
}

/**
 * A cluster in memory. `pods` and `resources` are what it holds, `commands` what was run, and
 * `onExec` says what a command does: by default it exits 127, as an image without that program
 * does. `failNext` makes the next call of a method reject.
 */
export class FakeKubernetes implements Kubernetes {
  readonly pods = new Map<string, Pod>();
  readonly commands: FakeCommand[] = [];
  onExec: (command: FakeCommand) => FakeOutcome | Promise<FakeOutcome> = ({ command }) => ({
    exitCode: 127,
    stderr: `${command[0] ?? ''}: not found`,
  });
  readonly #resources = new Map<string, CustomResource[]>();
  readonly #failures = new Map<'pod' | 'list' | 'exec', Error[]>();

  addPod(
    name: string,
    containers: readonly (Partial<Container> & { readonly name: string })[],
  ): void {
    this.pods.set(name, {
      name,
      uid: `uid-of-${name}`,
      phase: 'Running',
      containers: containers.map((container) => ({
        ready: true,
        restarts: 0,
        mounts: new Map(),
        ...container,
      })),
    });
  }

  /** Installs the kind when it is not, and adds objects of it. */
  addResources(
    kind: CustomResourceKind,
    ...resources: readonly (Partial<CustomResource> & { readonly name: string })[]
  ): void {
    const installed = this.#resources.get(keyOf(kind)) ?? [];
    for (const resource of resources)
      installed.push({
        namespace: 'kubeflow',
        labels: {},
        annotations: {},
        spec: {},
        status: {},
        ...resource,
      });
    this.#resources.set(keyOf(kind), installed);
  }

  removeResources(kind: CustomResourceKind): void {
    this.#resources.delete(keyOf(kind));
  }

  /** Kinds that we may not list, by their plural. */
  readonly denied = new Set<string>();

  async mayList({ plural }: CustomResourceKind): Promise<boolean> {
    return !this.denied.has(plural);
  }

  failNext(method: 'pod' | 'list' | 'exec', error: Error): void {
    this.#failures.set(method, [...(this.#failures.get(method) ?? []), error]);
  }

  async pod(name: string): Promise<Pod | undefined> {
    this.#failIfAsked('pod');
    return this.pods.get(name);
  }

  async *list(kind: CustomResourceKind, labelSelector = ''): AsyncGenerator<CustomResource> {
    this.#failIfAsked('list');
    for (const resource of this.#resources.get(keyOf(kind)) ?? [])
      if (matchesSelector(resource.labels, labelSelector)) yield resource;
  }

  async exec(
    target: ExecTarget,
    command: readonly string[],
    options: {
      readonly stdin?: Readable;
      readonly stdout?: Writable;
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<{ readonly exitCode: number; readonly stderr: string }> {
    options.stdout?.on('error', () => undefined);
    try {
      this.#failIfAsked('exec');
      this.#checkTarget(target);
      const stdin = Buffer.concat(await Array.fromAsync(options.stdin ?? [], toBuffer));
      const run = { target, command, stdin };
      this.commands.push(run);
      const {
        exitCode = 0,
        stdout = '',
        stderr = '',
      } = await abortable(this.onExec(run), options.signal);
      if (options.stdout) {
        const output = typeof stdout === 'string' ? [Buffer.from(stdout)] : stdout;
        const source = Readable.from(output instanceof Uint8Array ? [output] : output);
        await pipeline(source, options.stdout, options.signal ? { signal: options.signal } : {});
      }
      return { exitCode, stderr: stderr.slice(0, 64 * 1024) };
    } catch (cause) {
      const error =
        cause instanceof CharmError ||
        (cause === options.stdout?.errored && !options.signal?.aborted)
          ? cause
          : new CharmError(
              options.signal?.aborted ? 'interrupted' : 'kubernetes-unreachable',
              reasonOf(cause),
              { cause },
            );
      options.stdout?.destroy(error instanceof Error ? error : new Error(reasonOf(error)));
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #checkTarget({ pod, container }: ExecTarget): void {
    if (!this.pods.get(pod)?.containers.some(({ name }) => name === container))
      throw new CharmError(
        'kubernetes-refused',
        `The container ${container} of the pod ${pod} does not exist.`,
      );
  }

  #failIfAsked(method: 'pod' | 'list' | 'exec'): void {
    const error = this.#failures.get(method)?.shift();
    if (error) throw error;
  }
}

const keyOf = ({ groupVersion, plural }: CustomResourceKind): string => `${groupVersion}/${plural}`;

const toBuffer = (chunk: string | Uint8Array): Buffer =>
  typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk);

const abortable = async <T>(work: T | Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
  if (!signal) return work;
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => {
    reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([Promise.resolve(work), promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
};
