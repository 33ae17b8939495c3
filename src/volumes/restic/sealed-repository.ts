import { createHash } from 'node:crypto';
import { CharmError } from '../../errors.ts';
import type { ObjectStore, StoredObject } from '../../world.ts';
import { type SealKey, keyIn, textIn, unseal } from './restic-seal.ts';

/** A repository whose content can be read without restic. */
export interface OpenedRepository {
  readonly key: SealKey;
  /** The other files of keys, by their keys in the bucket. */
  readonly others: readonly string[];
}

/** Bytes. A user may have put anything there; what restic writes is a thousandth of it. */
export const longest = 2 ** 20;

/** More than restic lets an index grow to. */
export const longestIndex = 64 * 2 ** 20;

/**
 * The key that opens the config, which no user can replace; the oldest is looked at first.
 * Undefined when there is none.
 */
export const openRepository = async (
  store: ObjectStore,
  place: string,
  password: string,
): Promise<OpenedRepository | undefined> => {
  if ((await store.head(`${place}config`)) === undefined) return undefined;
  const config = await store.read(`${place}config`);
  const files = await listed(store, `${place}keys/`);
  const oldestFirst = files.toSorted(
    (one, other) => one.lastModified.getTime() - other.lastModified.getTime(),
  );
  for (const file of oldestFirst.filter(({ size }) => size <= longest)) {
    const key = keyIn(await store.read(file.key), password);
    if (key === undefined || unseal(key, config) === undefined) continue;
    return { key, others: files.flatMap((other) => (other === file ? [] : [other.key])) };
  }
  return undefined;
};

/** As restic names all that it writes. */
export const isNamedByHash = (key: string, content: Buffer): boolean =>
  key.endsWith(`/${createHash('sha256').update(content).digest('hex')}`);

export const listed = (store: ObjectStore, prefix: string): Promise<readonly StoredObject[]> =>
  Array.fromAsync(store.list(prefix));

/** Where a blob lies, as an index says. */
export interface BlobPlace {
  /** Of the blob: the SHA-256 of its content. */
  readonly id: string;
  readonly pack: string;
  readonly offset: number;
  readonly length: number;
  readonly isCompressed: boolean;
}

/** Of its JSON: restic begins another index after 150,000 blobs, some 30 MiB. */
const longestText = 64 * 2 ** 20;

/**
 * All that the indexes of a repository say, pack by pack; those that are not sealed with its key
 * say nothing. Rejects with `volume-damaged` when one is not as restic writes them: it may be made
 * to say something else to restic than to us, or to take all our memory.
 */
export async function* indexedBlobs(
  store: ObjectStore,
  place: string,
  { key: sealKey }: Pick<OpenedRepository, 'key'>,
): AsyncGenerator<readonly BlobPlace[]> {
  for (const { key, size } of await listed(store, `${place}index/`)) {
    const plain = size > longestIndex ? undefined : unseal(sealKey, await store.read(key));
    if (plain === undefined && size <= longestIndex) continue;
    const text = plain && textIn(plain, longestText);
    if (text === undefined || !(yield* packsIn(text))) throw strangeIndex(key);
  }
}

/** Whether it is an index as restic writes them. */
export const isIndex = (key: SealKey, sealed: Buffer): boolean => {
  const plain = unseal(key, sealed);
  const text = plain && textIn(plain, longestText);
  if (text === undefined) return false;
  const packs = packsIn(text);
  for (;;) {
    const { done, value } = packs.next();
    if (done === true) return value;
  }
};

/** For an operator: this index is no work of restic. */
export const strangeIndex = (key: string): CharmError =>
  new CharmError(
    'volume-damaged',
    `The index ${key} is none that restic would write: somebody of the namespace may have put it there. Nothing was removed. Mend the index as the how-to "A damaged repository" says, and run the action again.`,
  );

const start = /\{(?:"supersedes":\[[^\]]*\],)?"packs":\[/y;
const pack = /,?\{"id":"([0-9a-f]{64})","blobs":\[/y;
const blob =
  /,?\{"id":"([0-9a-f]{64})","type":"(?:data|tree)","offset":(\d+),"length":(\d+)(?:,"uncompressed_length":(\d+))?\}/y;
const packEnd = /\]\}/y;
const end = /\]\}\s*$/y;

/**
 * Reads it without making an object of it, because that could be of any size. Returns whether it is
 * as restic writes it, to the end.
 */
function* packsIn(text: string): Generator<readonly BlobPlace[], boolean> {
  let at = 0;
  const next = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text) ?? undefined;
    if (found) at = pattern.lastIndex;
    return found;
  };
  if (!next(start)) return false;
  for (let head = next(pack); head; head = next(pack)) {
    const blobs: BlobPlace[] = [];
    for (let found = next(blob); found; found = next(blob)) {
      const [, id = '', offset, length, plain = 0] = found;
      blobs.push({
        ...{ id, pack: head[1] ?? '', offset: Number(offset), length: Number(length) },
        isCompressed: Number(plain) > 0,
      });
    }
    if (!next(packEnd)) return false;
    yield blobs;
  }
  return next(end) !== undefined;
}
