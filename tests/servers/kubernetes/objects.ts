import { listResources, type Resource } from './lists.ts';
import { prepareContainer, toManifest, type PodDefinition } from './pod.ts';
import { Refusal } from './refusal.ts';
import { matchesSelector } from './selector.ts';

/** What a cluster holds, and its answers to GET. */
export class KubernetesObjects {
  readonly namespace: string;
  /** So many of the next continue tokens have expired. */
  expiredTokens = 0;
  readonly #pods = new Map<string, PodDefinition>();
  readonly #restarts = new Map<string, number>();
  readonly #kinds = new Map<string, Resource[]>();

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  setPod(name: string, pod: PodDefinition): void {
    for (const container of Object.values(pod.containers)) prepareContainer(container);
    this.#pods.set(name, pod);
  }

  pod(name: string): PodDefinition {
    const pod = this.#pods.get(name);
    if (!pod) throw new Refusal(404, 'NotFound', `pods "${name}" not found`);
    return pod;
  }

  removePod(name: string): void {
    this.#pods.delete(name);
  }

  countRestart(pod: string, container: string): void {
    const owner = `${pod}/${container}`;
    this.#restarts.set(owner, (this.#restarts.get(owner) ?? 0) + 1);
  }

  /** Installs a kind, such as `argoproj.io/v1alpha1/workflows`, and replaces its objects. */
  setResources(kind: string, resources: readonly Resource[]): void {
    this.#kinds.set(kind, [...resources]);
  }

  read(method: string, url: URL): object {
    if (method !== 'GET') throw new Refusal(405, 'MethodNotAllowed', `${method} is not allowed`);
    const pods = `/api/v1/namespaces/${this.namespace}/pods`;
    if (url.pathname === pods) {
      const selector = url.searchParams.get('labelSelector') ?? '';
      const names = [...this.#pods]
        .filter(([, { labels = {} }]) => matchesSelector(labels, selector))
        .map(([name]) => name);
      return { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: names.map(this.#manifest) };
    }
    if (url.pathname.startsWith(`${pods}/`))
      return this.#manifest(url.pathname.slice(pods.length + 1));
    const [, group, version, plural] =
      /^\/apis\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(url.pathname) ?? [];
    const kind = `${group ?? ''}/${version ?? ''}/${plural ?? ''}`;
    const resources = this.#kinds.get(kind);
    if (!resources) throw new Refusal(404, 'NotFound', '404 page not found');
    if (url.searchParams.has('continue') && this.expiredTokens > 0) {
      this.expiredTokens -= 1;
      throw new Refusal(410, 'Expired', 'The provided continue parameter is too old');
    }
    return listResources(resources, url.searchParams);
  }

  readonly #manifest = (name: string): object => {
    return toManifest(
      this.namespace,
      name,
      this.pod(name),
      (container) => this.#restarts.get(`${name}/${container}`) ?? 0,
    );
  };
}
