import type { Readable, Writable } from 'node:stream';

export interface Container {
  readonly name: string;
  readonly ready: boolean;
  readonly restarts: number;
  /** volume name -> path in this container */
  readonly mounts: ReadonlyMap<string, string>;
}

export interface Pod {
  readonly name: string;
  readonly uid: string;
  readonly phase: string;
  readonly containers: readonly Container[];
}

export interface CustomResourceKind {
  /** `argoproj.io/v1alpha1` */
  readonly groupVersion: string;
  /** `workflows` */
  readonly plural: string;
}

export interface CustomResource {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: Readonly<Record<string, unknown>>;
}

export interface ExecTarget {
  readonly pod: string;
  readonly container: string;
}

export interface Kubernetes extends AsyncDisposable {
  /** A pod of the model's namespace. */
  pod(name: string): Promise<Pod | undefined>;
  /**
   * Every object of a kind in all namespaces, page by page; nothing when the kind is not installed.
   */
  list(kind: CustomResourceKind, labelSelector?: string): AsyncIterable<CustomResource>;
  /** Whether we may list the objects of a kind in all namespaces (SelfSubjectAccessReview). */
  mayList(kind: CustomResourceKind): Promise<boolean>;
  /**
   * Runs a command in a container. Its stdout goes to `stdout` with backpressure (which is ended
   * when the command ends), and the first 64 KiB of stderr are returned. Resolves with the
   * command's exit status, whatever it is; rejects when the connection closes before one was
   * received, when `stdout` fails, or when `signal` fires.
   */
  exec(
    target: ExecTarget,
    command: readonly string[],
    options?: {
      readonly stdin?: Readable;
      readonly stdout?: Writable;
      readonly signal?: AbortSignal;
    },
  ): Promise<{ readonly exitCode: number; readonly stderr: string }>;
}
