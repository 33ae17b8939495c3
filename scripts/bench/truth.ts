import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectMetadata, ObjectStore } from '../../src/world.ts';
import type { Client, Place } from './clients.ts';

interface Source {
  readonly store: ObjectStore;
  readonly place: Place;
}

interface Check {
  readonly title: string;
  readonly keys: readonly string[];
  /** Whether the copy of an object is as the object. */
  readonly same: (object: Seen, copy: Seen | undefined) => boolean;
}

interface Seen {
  readonly bytes: string;
  readonly metadata: ObjectMetadata;
}

const metadata: Partial<ObjectMetadata> = {
  contentType: 'application/x-model',
  contentEncoding: 'gzip',
  cacheControl: 'no-store',
  user: { owner: 'ml-team' },
  tags: { stage: 'production' },
};

type Texts = Readonly<Record<string, string>>;

const has = (all: Texts = {}, some: Texts): boolean =>
  Object.entries(some).every(([name, value]) => all[name] === value);

const checks: readonly Check[] = [
  { title: 'keys as Kubeflow writes them', keys: ['v2/artifacts/run/model', 'empty'], same: bytes },
  { title: 'keys that end with a slash', keys: ['folder/'], same: bytes },
  { title: 'keys with //', keys: ['a//b'], same: bytes },
  { title: 'keys with ..', keys: ['c/../d'], same: bytes },
  { title: 'keys of other alphabets', keys: ['Übung/結果.txt'], same: bytes },
  {
    title: 'the content type',
    keys: ['dressed'],
    same: (object, copy) => object.metadata.contentType === copy?.metadata.contentType,
  },
  {
    title: 'encoding and caching',
    keys: ['dressed'],
    same: (object, copy) =>
      object.metadata.contentEncoding === copy?.metadata.contentEncoding &&
      object.metadata.cacheControl === copy?.metadata.cacheControl,
  },
  {
    title: 'metadata of users',
    keys: ['dressed'],
    // A client may add some of its own.
    same: (object, copy) => has(copy?.metadata.user, object.metadata.user),
  },
  {
    title: 'tags',
    keys: ['dressed'],
    same: (object, copy) => has(copy?.metadata.tags, object.metadata.tags),
  },
  { title: 'a later change of the same size', keys: ['changed'], same: bytes },
  {
    title: 'a later change of metadata only',
    keys: ['renamed'],
    same: (object, copy) => object.metadata.contentType === copy?.metadata.contentType,
  },
];

function bytes(object: Seen, copy: Seen | undefined): boolean {
  return object.bytes === copy?.bytes;
}

/**
 * What each client brings over of a bucket that has some of everything, and of what changes in it
 * afterwards: a line for each kind of thing, a column for each client.
 */
export const tableOfTruth = async (
  source: Source,
  target: Source,
  clients: readonly Client[],
): Promise<string> => {
  for (const key of new Set(checks.flatMap(({ keys }) => keys)))
    await source.store.put(key, key === 'empty' ? '' : `first ${key}`, {
      metadata: key === 'dressed' ? metadata : { contentType: 'text/plain' },
    });
  const copyAll = async (): Promise<void> => {
    for (const client of clients)
      await client.copy(source.place, target.place, client.name).catch((error: unknown) => {
        console.error(`${client.name} did not bring all:`, error);
      });
  };
  await copyAll();
  // Times of S3 are in seconds, and what is as old as its copy could have been copied.
  await sleep(2100);
  await source.store.put('changed', 'later changed', { metadata: { contentType: 'text/plain' } });
  await source.store.put('renamed', 'first renamed', { metadata: { contentType: 'text/html' } });
  await copyAll();
  const rows = await Promise.all(
    checks.map(async ({ title, keys, same }) => {
      const cells = clients.map(async ({ name }) => {
        const found = keys.map(async (key) => {
          const object = await seen(source.store, key);
          const copy = await seen(target.store, `${name}/mlpipeline/${key}`);
          return object !== undefined && same(object, copy);
        });
        return (await Promise.all(found)).every(Boolean) ? 'yes' : 'no';
      });
      return [title, ...(await Promise.all(cells))];
    }),
  );
  const header = ['what is brought over', ...clients.map(({ name }) => name)];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
};

const seen = async (store: ObjectStore, key: string): Promise<Seen | undefined> => {
  const head = await store.head(key);
  if (head === undefined) return undefined;
  const tags = await store.tags(key);
  return { bytes: String(await store.read(key)), metadata: { ...head.metadata, tags } };
};
