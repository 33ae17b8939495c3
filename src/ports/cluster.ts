import type { Fields } from './fields.ts';

/** The kinds of objects that backups of volumes read and write, as the API calls them. */
export type ClusterKind =
  'namespaces' | 'persistentvolumeclaims' | 'pods' | 'secrets' | 'events' | 'jobs' | 'notebooks';

/** An object of the cluster. What only some kinds have is read where the kind is known. */
export interface ClusterObject {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** The kinds of its owners. */
  readonly owners: readonly string[];
  /** It was deleted, and something still holds it. */
  readonly deleting: boolean;
  /** All of it. */
  readonly fields: Fields;
}

/** An object to create. */
export interface Manifest extends Fields {
  readonly metadata: { readonly namespace: string; readonly name: string } & Fields;
}

/**
 * The cluster's objects in any namespace, to run what backs up a volume next to the volume. Every
 * call rejects with a CharmError: `kubernetes-unreachable`, `kubernetes-denied` or
 * `kubernetes-refused`.
 */
export interface Cluster extends AsyncDisposable {
  /** The model's namespace, where only administrators can read. */
  readonly namespace: string;
  read(kind: ClusterKind, namespace: string, name: string): Promise<ClusterObject | undefined>;
  /** Without a namespace: of all namespaces. */
  list(
    kind: ClusterKind,
    options?: { readonly namespace?: string; readonly labels?: string },
  ): Promise<readonly ClusterObject[]>;
  /** An object of that name which is there already is taken for the one that was asked for. */
  create(kind: ClusterKind, manifest: Manifest): Promise<ClusterObject>;
  /** Changes fields as a JSON merge patch (RFC 7396). */
  patch(kind: ClusterKind, namespace: string, name: string, change: Fields): Promise<void>;
  /** What belongs to it goes with it. No error when it is gone already. */
  remove(kind: ClusterKind, namespace: string, name: string): Promise<void>;
  /**
   * The end of what a container has written so far, at most 10,000 lines; empty when it is gone.
   */
  log(namespace: string, pod: string, container: string): Promise<string>;
}
