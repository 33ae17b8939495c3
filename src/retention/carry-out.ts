import type { World } from '../world.ts';
import { type CandidateFile, readCandidates } from './candidates.ts';
import { deleteUnlocked } from './locked.ts';
import type { Removal } from './removal.ts';

/** The most keys that S3 deletes in one request. */
const batch = 1000;

/**
 * Deletes the sets that go and the garbage, in an order that can be interrupted anywhere and
 * repeated. First a copy of each manifest is written, then the manifests are deleted, so that a
 * half-removed set is never listed. Then the garbage is deleted, and at last the folders, which
 * tell the next attempt what to finish. Locked garbage stays; a manifest that S3 does not delete
 * ends the removal, because its set would stay listed. `mayGoOn` is called before each deletion.
 * Resolves with whether all of it is gone.
 */
export const carryOut = async (
  world: Pick<World, 'clock' | 'progress'>,
  { store, layout, go, signal }: Removal,
  garbage: CandidateFile,
  {
    mayGoOn,
    deleted,
  }: { readonly mayGoOn: () => Promise<void>; readonly deleted: (objects: number) => void },
): Promise<boolean> => {
  let locked = 0;
  const remove = async (keys: readonly string[]): Promise<void> => {
    if (keys.length === 0) return;
    signal.throwIfAborted();
    await mayGoOn();
    const gone = await deleteUnlocked(world, store, keys);
    locked += keys.length - gone.length;
    deleted(gone.length);
  };

  const manifests = go.flatMap(({ id, objects }) =>
    objects
      .filter(({ key }) => key === layout.manifest(id))
      .map(({ key, etag }) => ({ key, etag, copy: layout.removed(id) })),
  );
  for (const { key, etag, copy } of manifests) await store.copy(key, copy, etag);
  for (const keys of inBatches(manifests.map(({ key }) => key))) {
    signal.throwIfAborted();
    await mayGoOn();
    await store.delete(keys);
    deleted(keys.length);
  }

  let keys: string[] = [];
  for await (const { key } of readCandidates(garbage)) {
    keys.push(key);
    if (keys.length < batch) continue;
    await remove(keys);
    keys = [];
  }
  await remove(keys);

  // The lists tell a later prune what was locked.
  if (locked > 0) return false;
  const gone = new Set(manifests.map(({ key }) => key));
  const folders = go.flatMap(({ id, objects }) => [
    ...objects.map(({ key }) => key).filter((key) => !gone.has(key)),
    layout.removed(id),
  ]);
  for (const some of inBatches([...new Set(folders)])) await remove(some);
  return locked === 0;
};

function* inBatches(keys: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < keys.length; at += batch) yield keys.slice(at, at + batch);
}
