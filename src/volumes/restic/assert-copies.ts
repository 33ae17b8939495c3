import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { damageOf } from './check-output.ts';
import { repositoryPassword } from './keys.ts';
import type { VolumeOperation } from '../records/operation.ts';
import { changeState, withCheck } from '../records/repository-state.ts';
import { decompressed, unseal } from './restic-seal.ts';
import {
  type BlobPlace,
  type OpenedRepository,
  indexedBlobs,
  openRepository,
  strangeIndex,
} from './sealed-repository.ts';
import { inTurns } from '../../in-turns.ts';

/** Blobs of up to 8 MiB, as restic cuts files, that are read at a time; longer ones alone. */
const concurrency = 16;
const usual = 9 * 2 ** 20;

/** Ids that are looked at at a time: a user can write as many as fit into the bucket. */
const atATime = 50_000;

/** Sessions that run at the same time store a blob twice, or a few times. */
const mostPlaces = 100;

/** Bytes that we have room for. Only the tree of a folder with very many files is so long. */
const longestBlob = 128 * 2 ** 20;

/**
 * Reads what the indexes of a repository say to lie in several places, to see whether it lies in
 * each of them. restic keeps one, whichever, when it gives space back: who has the password of the
 * own repository could write an index that is false, and have what is true deleted. Rejects with
 * `volume-damaged`, which stays in the repository's state until all of it was read and is intact.
 * To be called before restic prunes, while no gateway is open.
 */
export const assertCopies = async (
  operation: VolumeOperation,
  repository: string,
): Promise<void> => {
  const { target, layout, access, world } = operation;
  const { store } = target;
  const place = layout.repository(repository);
  const began = world.clock.now();
  const opened = await openRepository(store, place, repositoryPassword(access.key, repository));
  // restic says better what is wrong with it.
  if (opened === undefined) return;
  const look = { store, place, opened };
  const repeated = await repeatedIds(look);
  const wrong: BlobPlace[] = [];
  for (let at = 0; at < repeated.length; at += atATime) {
    const copies = await copiesIn(look, repeated.subarray(at, at + atATime));
    const notThere = async (copy: BlobPlace): Promise<readonly BlobPlace[]> => {
      world.signal.throwIfAborted();
      return (await isThere(look, copy)) ? [] : [copy];
    };
    const isLong = ({ length }: BlobPlace): boolean => length > usual;
    const found = [
      ...(await inTurns(
        concurrency,
        copies.filter((copy) => !isLong(copy)),
        notThere,
      )),
      ...(await inTurns(1, copies.filter(isLong), notThere)),
    ];
    for (const copy of found.flat()) wrong.push(copy);
  }
  if (wrong.length === 0) return;
  const packs = [...new Set(wrong.map(({ pack }) => pack))];
  const check = {
    ...({ kind: 'data', about: '1/1', intact: false, packs } as const),
    at: began.toISOString(),
    seconds: (world.clock.now().getTime() - began.getTime()) / 1000,
    errors: [
      `an index says of ${wrong.length} blobs that they are in packs where they are not; somebody of the namespace may have written it`,
    ],
  };
  await changeState(store, layout, repository, (state) => ({
    ...state,
    checks: withCheck(state.checks, check),
  }));
  await world.progress.note(`${repository}: ${check.errors.join()}`);
  throw damageOf(repository, place, check);
};

interface Looking {
  readonly store: VolumeOperation['target']['store'];
  readonly place: string;
  readonly opened: OpenedRepository;
}

/**
 * The beginnings of the ids that come more than once, in order. There may be millions, so that they
 * are kept as numbers; one that is found by chance is none of a copy.
 */
const repeatedIds = async ({ store, place, opened }: Looking): Promise<BigUint64Array> => {
  let ids = new BigUint64Array(2 ** 16);
  let count = 0;
  for await (const blobs of indexedBlobs(store, place, opened))
    for (const { id } of blobs) {
      if (count === ids.length) {
        const more = new BigUint64Array(2 * count);
        more.set(ids);
        ids = more;
      }
      ids[count] = beginningOf(id);
      count += 1;
    }
  const sorted = ids.subarray(0, count).sort();
  return sorted.filter((id, at) => id === sorted[at - 1] && id !== sorted[at - 2]);
};

const beginningOf = (id: string): bigint => BigInt(`0x${id.slice(0, 16)}`);

/** Of these blobs the places of each that is said to lie in more than one. */
const copiesIn = async (
  { store, place, opened }: Looking,
  repeated: BigUint64Array,
): Promise<readonly BlobPlace[]> => {
  const wanted = new Set(repeated);
  const places = new Map<string, Map<string, BlobPlace>>();
  for await (const blobs of indexedBlobs(store, place, opened))
    for (const found of blobs) {
      if (!wanted.has(beginningOf(found.id))) continue;
      // Cut out of the index, they would keep all of it.
      const blob = { ...found, id: copyOf(found.id), pack: copyOf(found.pack) };
      const known = places.get(blob.id) ?? new Map<string, BlobPlace>();
      places.set(blob.id, known.set(`${blob.pack} ${blob.offset} ${blob.length}`, blob));
      if (known.size > mostPlaces) throw strangeIndex(`of ${blob.id} in ${place}index/`);
    }
  return [...places.values()].flatMap((known) => (known.size > 1 ? [...known.values()] : []));
};

const copyOf = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');

const isThere = async (
  { store, place, opened }: Looking,
  { id, pack, offset, length, isCompressed }: BlobPlace,
): Promise<boolean> => {
  const key = `${place}data/${pack.slice(0, 2)}/${pack}`;
  const size = (await store.head(key))?.size ?? 0;
  if (!(offset >= 0 && length > 0 && length <= longestBlob && offset + length <= size))
    return false;
  const { body } = await store.get(key, { range: { start: offset, end: offset + length - 1 } });
  const plain = unseal(opened.key, await buffer(body));
  const content = plain && isCompressed ? decompressed(plain, longestBlob) : plain;
  return content !== undefined && createHash('sha256').update(content).digest('hex') === id;
};
