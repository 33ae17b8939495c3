import { createHash } from 'node:crypto';
import { CharmError, orProblem } from '../../errors.ts';
import { type Fields, fieldsOf, textOf } from '../../ports/fields.ts';
import type { Layout } from '../../repository/layout.ts';
import { readText } from '../../repository/read-text.ts';
import type { ClusterObject, ObjectStore } from '../../world.ts';
import type { Gateway } from './gateway.ts';
import { keyFingerprint } from '../restic/keys.ts';
import { mostGenerations, repositoryName } from '../records/names.ts';
import type { OpenedVolumes, VolumeOperation } from '../records/operation.ts';
import { runOnRepository } from '../restic/repository-command.ts';
import { noteOthers } from '../restic/repository-locks.ts';

/*
 * This folder opens the repositories to users' pods: which repository a namespace has, and the
 * gateway through which restic beside a volume may add to it.
 */

/**
 * To whom a repository belongs. A namespace has one, because that is how far its users' rights
 * reach; what they have in common is stored once.
 */
export interface RepositoryRecord {
  readonly name: string;
  readonly namespace: string;
  readonly namespaceUid: string;
  /** A hash of the profile's owner; that of nothing when the namespace is no profile. */
  readonly owner: string;
  /** Of the key from which its password is made. */
  readonly key: string;
  readonly created: string;
}

/**
 * The record of a namespace's repository, written when there is none. A profile that was deleted
 * and made again for somebody else gets a new one: the password would open the former owner's data.
 * With the same owner it is a cluster that was built again, and goes on. Rejects with
 * `volumes-key-changed` when the repository was made with another key.
 */
export const repositoryFor = async (
  operation: VolumeOperation,
  namespace: ClusterObject,
): Promise<RepositoryRecord> => {
  const { target, layout, access, world } = operation;
  const record = await findRepository(target.store, layout, namespace);
  const key = keyFingerprint(access.key);
  if (record.found !== undefined && record.found.key !== key)
    throw keyChanged(record.found, key, world.application);
  const repository: RepositoryRecord = record.found ?? {
    name: record.free,
    namespace: namespace.name,
    namespaceUid: namespace.uid,
    owner: ownerOf(namespace),
    key,
    created: world.clock.now().toISOString(),
  };
  if (record.found === undefined || record.found.namespaceUid !== namespace.uid)
    await target.store.put(
      layout.volumeRepository(repository.name),
      JSON.stringify({ ...repository, namespaceUid: namespace.uid }),
    );
  return repository;
};

/**
 * Whether the repository is there. Takes away what a killed process has left of it: locks that
 * nobody renews, and the keys of one that was never made to its end, because restic refuses to make
 * a repository where it finds keys. Notes when somebody else is at work there. To be called while
 * no gateway is open. Rejects with `store-corrupt` when only the config of a repository is lost.
 */
export const prepareRepository = async (
  operation: Pick<VolumeOperation, 'target' | 'layout' | 'world' | 'occupied'>,
  name: string,
): Promise<boolean> => {
  const {
    target: { store },
    layout,
  } = operation;
  await noteOthers(operation, name);
  const place = layout.repository(name);
  if (await store.head(`${place}config`)) return true;
  const left: string[] = [];
  for await (const { key } of store.list(place)) {
    if (!key.startsWith(`${place}keys/`))
      throw new CharmError(
        'store-corrupt',
        `${place}config is missing, so the repository ${name} cannot be opened. Nothing was changed. Bring the object back from the bucket's versions, and run the action again.`,
      );
    left.push(key);
  }
  if (left.length > 0) await store.delete(left);
  return false;
};

/**
 * Makes a repository through its gateway, which lets files be added: rclone is ready there, and
 * making a repository is the one thing that restic does not try again.
 */
export const makeRepository = async (
  operation: VolumeOperation,
  name: string,
  gateway: Gateway,
): Promise<void> => {
  await runOnRepository(operation, name, { task: 'init', command: ['init', '--json'], gateway });
};

/** As `repositoryFor`, and makes none: undefined when the namespace has none. */
export const existingRepository = async (
  { target, layout, access, world }: OpenedVolumes,
  namespace: ClusterObject,
): Promise<RepositoryRecord | undefined> => {
  const { found } = await findRepository(target.store, layout, namespace);
  const key = keyFingerprint(access.key);
  if (found !== undefined && found.key !== key) throw keyChanged(found, key, world.application);
  return found;
};

const findRepository = async (
  store: ObjectStore,
  layout: Layout,
  namespace: ClusterObject,
): Promise<{ readonly found: RepositoryRecord | undefined; readonly free: string }> => {
  for (let generation = 1; generation <= mostGenerations; generation += 1) {
    const name = repositoryName(namespace.name, generation);
    const record = await readRepository(store, layout, name);
    if (record === undefined) return { found: undefined, free: name };
    if (record.namespace !== namespace.name) continue;
    if (record.namespaceUid === namespace.uid || record.owner === ownerOf(namespace))
      return { found: record, free: name };
  }
  throw new Error(`the namespace ${namespace.name} has had ${mostGenerations} owners`);
};

/** Undefined when there is none. Rejects with `store-corrupt` when it cannot be read. */
export const readRepository = async (
  store: ObjectStore,
  layout: Layout,
  name: string,
): Promise<RepositoryRecord | undefined> => {
  const key = layout.volumeRepository(name);
  const text = await readText(store, key);
  if (text === undefined) return undefined;
  try {
    const record = parseRecord(JSON.parse(text));
    if (record) return record;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new CharmError(
    'store-corrupt',
    `${key} cannot be read, so it is not known whose the repository ${name} is. Bring the object back from the bucket's versions.`,
  );
};

/** The records of all repositories; those that cannot be read are left out. */
export const allRepositories = async (
  store: ObjectStore,
  layout: Layout,
): Promise<readonly RepositoryRecord[]> => {
  const records: RepositoryRecord[] = [];
  const prefix = layout.volumeRepository('').replace(/\.json$/, '');
  for await (const { key } of store.list(prefix)) {
    const name = key.slice(prefix.length).replace(/\.json$/, '');
    const record = await orProblem(() => readRepository(store, layout, name));
    if (record instanceof CharmError && record.code !== 'store-corrupt') throw record;
    if (record !== undefined && !(record instanceof CharmError) && record.name === name)
      records.push(record);
  }
  return records;
};

const parseRecord = (value: unknown): RepositoryRecord | undefined => {
  const fields: Fields = fieldsOf(value);
  const text = (name: keyof RepositoryRecord): string => textOf(fields[name]);
  const record = {
    name: text('name'),
    namespace: text('namespace'),
    namespaceUid: text('namespaceUid'),
    owner: text('owner'),
    key: text('key'),
    created: text('created'),
  };
  return Object.values(record).every((part) => part !== '') ? record : undefined;
};

/** Kubeflow writes the owner of a profile on its namespace (profile-controller). */
const ownerOf = ({ annotations }: ClusterObject): string =>
  createHash('sha256')
    .update(annotations['owner'] ?? '')
    .digest('hex');

/** Says which key is expected. */
export const keyChanged = (
  { name, key, created }: RepositoryRecord,
  given: string,
  application: string,
): CharmError =>
  new CharmError(
    'volumes-key-changed',
    `The repository ${name} was made on ${created.slice(0, 10)} with the key of fingerprint ${key}, and the option volumes-key has the one of ${given}.` +
      ` Nothing was changed. Put the former key back: juju config ${application} volumes-key=<the former secret's URI>`,
  );
