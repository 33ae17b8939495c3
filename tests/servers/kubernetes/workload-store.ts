import { randomUUID } from 'node:crypto';
import { Refusal } from './refusal.ts';
import { matchesSelector } from './selector.ts';
import type { ObjectSpec, StoredObject } from './stored-object.ts';

export type Kind =
  | 'namespaces'
  | 'persistentvolumeclaims'
  | 'pods'
  | 'secrets'
  | 'events'
  | 'jobs'
  | 'nodes'
  | 'notebooks';

const kinds: Readonly<Record<Kind, readonly [apiVersion: string, kind: string]>> = {
  namespaces: ['v1', 'Namespace'],
  persistentvolumeclaims: ['v1', 'PersistentVolumeClaim'],
  pods: ['v1', 'Pod'],
  secrets: ['v1', 'Secret'],
  events: ['v1', 'Event'],
  nodes: ['v1', 'Node'],
  jobs: ['batch/v1', 'Job'],
  notebooks: ['kubeflow.org/v1', 'Notebook'],
};

export const isKind = (text: string): text is Kind => text in kinds;

/**
 * The objects of a cluster that can be made, changed and deleted, with the API server's rules for
 * them.
 */
export class WorkloadStore {
  readonly #objects = new Map<string, StoredObject>();
  #events = 0;

  all(kind: Kind, namespace?: string): readonly StoredObject[] {
    return [...this.#objects]
      .filter(([key, { metadata }]) => {
        return (
          key.startsWith(`${kind}/`) &&
          (namespace === undefined || metadata.namespace === namespace)
        );
      })
      .map(([, object]) => object);
  }

  list(kind: Kind, namespace: string | undefined, selector: string): readonly StoredObject[] {
    return this.all(kind, namespace).filter(({ metadata }) =>
      matchesSelector(metadata.labels ?? {}, selector),
    );
  }

  find(kind: Kind, namespace: string, name: string): StoredObject | undefined {
    return this.#objects.get(keyOf(kind, namespace, name));
  }

  get(kind: Kind, namespace: string, name: string): StoredObject {
    const found = this.find(kind, namespace, name);
    if (found) return found;
    throw new Refusal(404, 'NotFound', `${kind} "${name}" not found`);
  }

  create(kind: Kind, namespace: string, given: unknown): StoredObject {
    const object = checked(kind, namespace, given);
    const { name } = object.metadata;
    if (kind !== 'namespaces' && namespace !== '' && !this.find('namespaces', '', namespace))
      throw new Refusal(404, 'NotFound', `namespaces "${namespace}" not found`);
    if (this.find(kind, namespace, name))
      throw new Refusal(409, 'AlreadyExists', `${kind} "${name}" already exists`);
    const { stringData, ...rest } = object;
    const data = Object.entries(stringData ?? {}).map(([key, value]): [string, string] => [
      key,
      Buffer.from(value).toString('base64'),
    ]);
    const stored: StoredObject = {
      ...rest,
      metadata: {
        // Those of tests say how old an object is.
        creationTimestamp: `${new Date().toISOString().slice(0, 19)}Z`,
        ...object.metadata,
        ...(namespace && { namespace }),
        uid: randomUUID(),
      },
      ...(kind === 'secrets' && { data: Object.fromEntries(data) }),
    };
    this.#objects.set(keyOf(kind, namespace, name), stored);
    return stored;
  }

  /** A JSON merge patch. */
  patch(kind: Kind, namespace: string, name: string, change: unknown): StoredObject {
    const merged = merge(this.get(kind, namespace, name), change) as StoredObject;
    this.#objects.set(keyOf(kind, namespace, name), merged);
    return merged;
  }

  /** With everything that it owns. */
  remove(kind: Kind, namespace: string, name: string): readonly StoredObject[] {
    const removed = this.get(kind, namespace, name);
    this.#objects.delete(keyOf(kind, namespace, name));
    const owned = [...this.#objects].filter(([, { metadata }]) =>
      metadata.ownerReferences?.some(({ uid }) => uid === removed.metadata.uid),
    );
    for (const [key] of owned) this.#objects.delete(key);
    return [removed, ...owned.map(([, object]) => object)];
  }

  /** Writes an Event of type Warning about an object. */
  warn({ kind, metadata }: StoredObject, reason: string, message: string): void {
    const { namespace = '', name } = metadata;
    const event = `${name}.${(this.#events += 1).toString(16)}`;
    this.create('events', namespace, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: event, namespace },
      involvedObject: { kind, name, namespace },
      type: 'Warning',
      ...{ reason, message },
    });
  }
}

const keyOf = (kind: Kind, namespace: string, name: string): string =>
  `${kind}/${namespace}/${name}`;

const dnsName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const labelName = /^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/;

/** What the API server refuses of a new object. */
const checked = (kind: Kind, namespace: string, given: unknown): StoredObject => {
  const object = structuredClone(given ?? {}) as StoredObject;
  const [apiVersion, kindName] = kinds[kind];
  const invalid = (what: string): never => {
    throw new Refusal(422, 'Invalid', `${kindName} is invalid: ${what}`);
  };
  if (object.apiVersion !== apiVersion || object.kind !== kindName)
    throw new Refusal(400, 'BadRequest', `this is no ${kindName} of ${apiVersion}`);
  const { name, namespace: own = namespace, labels = {}, annotations = {} } = object.metadata;
  if (!dnsName.test(name)) invalid(`metadata.name: ${name}`);
  if (own !== namespace)
    throw new Refusal(400, 'BadRequest', 'the namespace of the object does not match the request');
  checkLabels(labels, invalid);
  for (const key of Object.keys(annotations))
    if (!labelName.test(key)) invalid(`metadata.annotations: ${key}`);
  if (kind === 'pods') checkPodSpec(object.spec ?? {}, invalid);
  if (kind === 'jobs') {
    const { template, podFailurePolicy } = object.spec ?? {};
    if (template === undefined) return invalid('spec.template: Required value');
    checkPodSpec(template.spec, invalid);
    checkLabels(template.metadata?.labels ?? {}, invalid);
    if (template.spec.restartPolicy !== 'Never' && podFailurePolicy !== undefined)
      invalid('spec.template.spec.restartPolicy: only Never is allowed with a podFailurePolicy');
  }
  return object;
};

type Invalid = (what: string) => never;

const checkLabels = (labels: Readonly<Record<string, string>>, invalid: Invalid): void => {
  for (const [key, value] of Object.entries(labels))
    if (!labelName.test(key) || !labelValue.test(value)) invalid(`labels: ${key}=${value}`);
};

const checkPodSpec = (
  { containers = [], volumes = [], restartPolicy = 'Always' }: ObjectSpec,
  invalid: Invalid,
): void => {
  if (!['Always', 'OnFailure', 'Never'].includes(restartPolicy)) invalid('spec.restartPolicy');
  if (containers.length === 0) invalid('spec.containers: Required value');
  const names = new Set(volumes.map(({ name }) => name));
  for (const { name, image, env = [], args = [], volumeMounts = [] } of containers) {
    if (!dnsName.test(name)) invalid(`spec.containers.name: ${name}`);
    if (image === '') invalid('spec.containers.image: Required value');
    for (const variable of env) {
      const values = [variable.value, variable.valueFrom].filter((one) => one !== undefined);
      if (!/^[-._A-Za-z][-._A-Za-z0-9]*$/.test(variable.name) || values.length !== 1)
        invalid(`spec.containers.env: ${variable.name}`);
    }
    if (args.some((word) => typeof word !== 'string')) invalid('spec.containers.args');
    for (const mount of volumeMounts)
      if (!names.has(mount.name)) invalid(`volumeMounts: "${mount.name}" not found`);
  }
};

/** RFC 7396. */
const merge = (target: unknown, change: unknown): unknown => {
  if (typeof change !== 'object' || change === null || Array.isArray(change)) return change;
  const kept = new Map<string, unknown>(
    typeof target === 'object' && target !== null ? Object.entries(target) : [],
  );
  for (const [key, value] of Object.entries(change))
    if (value === null) kept.delete(key);
    else kept.set(key, merge(kept.get(key), value));
  return Object.fromEntries(kept);
};
