import type { CandidateFile } from './candidates.ts';
import { readCandidates } from './candidates.ts';
import type { Removal } from './removal.ts';
import { tombstone } from './survey.ts';

/** What S3 deletes in one request. */
const batch = 1000;

/**
 * Deletes the sets that go and the garbage, in an order that can be broken off anywhere and repeated: a copy of each manifest is kept, then the manifests
 * go, so that no half set is ever listed; then the garbage; and at last the folders, which tell the next attempt what it has to
 * finish. `mayGoOn` is asked before each request that deletes.
 */
export const carryOut = async (
  removal: Removal,
  garbage: CandidateFile,
  mayGoOn: () => Promise<void>,
  deleted: (objects: number) => void,
): Promise<void> => {
  const { store, layout, go } = removal;
  const remove = async (keys: readonly string[]): Promise<void> => {
    if (keys.length === 0) return;
    removal.signal.throwIfAborted();
    await mayGoOn();
    await store.delete(keys);
    deleted(keys.length);
  };

  const manifests = go.flatMap(({ id, objects }) =>
    objects
      .filter(({ key }) => key === layout.manifest(id))
      .map(({ key, etag }) => ({ key, etag, copy: tombstone(layout, id) })),
  );
  for (const { key, etag, copy } of manifests) await store.copy(key, copy, etag);
  await inBatches(
    manifests.map(({ key }) => key),
    remove,
  );

  let keys: string[] = [];
  for await (const { key } of readCandidates(garbage)) {
    keys.push(key);
    if (keys.length < batch) continue;
    await remove(keys);
    keys = [];
  }
  await remove(keys);

  const gone = new Set(manifests.map(({ key }) => key));
  const folders = go.flatMap(({ id, objects }) => [
    ...objects.map(({ key }) => key).filter((key) => !gone.has(key)),
    tombstone(layout, id),
  ]);
  await inBatches([...new Set(folders)], remove);
};

const inBatches = async (
  keys: readonly string[],
  remove: (keys: readonly string[]) => Promise<void>,
): Promise<void> => {
  for (let at = 0; at < keys.length; at += batch) await remove(keys.slice(at, at + batch));
};
