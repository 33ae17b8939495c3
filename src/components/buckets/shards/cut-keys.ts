import { compareKeys } from '../../../ports/key-order.ts';
import { sum } from '../../../text.ts';
import type { KeyRange, ObjectStore, StoredObject } from '../../../world.ts';
import { cutterFor } from './cut-list.ts';

/** What a page of a listing has when more come after it. */
const page = 1000;
/** How often the keys are halved: into 128 ranges. */
const deepest = 7;
/** How often a middle is looked for, between keys that have almost everything in common. */
const attempts = 24;

/**
 * Keys that cut a bucket of which no list is known, found by halving the range of its keys, as S3P
 * does. A range that fits into a page is cut by work. Larger ones may differ in size, because S3
 * does not tell how many keys a range has. Takes a few requests for each range, most of them side
 * by side.
 */
export const cutKeys = async (store: Pick<ObjectStore, 'list'>): Promise<readonly string[]> => {
  const cut = async (range: KeyRange, halvings: number): Promise<readonly string[]> => {
    const first = await firstObjects(store, range, page);
    const last = first[page - 1]?.key;
    if (last === undefined || last === range.upTo) return boundsIn(first);
    if (halvings === 0) return [];
    const bound = (await middleKey(store, last, range.upTo)) ?? last;
    const halves = [
      { ...range, upTo: bound },
      { ...range, startAfter: bound },
    ];
    const [left = [], right = []] = await Promise.all(
      halves.map((half) => cut(half, halvings - 1)),
    );
    return [...left, bound, ...right];
  };
  return cut({}, deepest);
};

/** Cuts a range of which all objects are known. */
const boundsIn = (objects: readonly StoredObject[]): readonly string[] => {
  const endsShard = cutterFor({
    objects: objects.length,
    size: sum(objects.map(({ size }) => size)),
  });
  return objects
    .slice(0, -1)
    .filter(endsShard)
    .map(({ key }) => key);
};

const firstObjects = async (
  store: Pick<ObjectStore, 'list'>,
  range: KeyRange,
  most: number,
): Promise<readonly StoredObject[]> => {
  const objects: StoredObject[] = [];
  for await (const object of store.list('', range)) {
    objects.push(object);
    if (objects.length === most) break;
  }
  return objects;
};

/**
 * A key about halfway between two others, not the upper one itself; undefined when none was found.
 */
const middleKey = async (
  store: Pick<ObjectStore, 'list'>,
  low: string,
  upTo: string | undefined,
): Promise<string | undefined> => {
  let high = upTo;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const middle = between(low, high);
    if (compareKeys(middle, low) <= 0 || (high !== undefined && compareKeys(middle, high) >= 0))
      return undefined;
    const [found] = await firstObjects(store, { startAfter: middle, upTo }, 1);
    if (found !== undefined && found.key !== upTo) return found.key;
    high = middle;
  }
  return undefined;
};

/** After the characters that names mostly have. */
const top = 0x7f;
const bottom = 0x20;

/** A text about halfway between two others, in the order of S3; need not be a key. */
const between = (low: string, high: string | undefined): string => {
  const lower = Array.from(low);
  const upper = high === undefined ? undefined : Array.from(high);
  let common = 0;
  while (upper && common < lower.length && lower[common] === upper[common]) common += 1;
  const [a, b] = [pointAt(lower, common, bottom), upper ? pointAt(upper, common, bottom) : top];
  const start = lower.slice(0, common).join('');
  if (b - a >= 2) return start + String.fromCodePoint(whole(Math.floor((a + b) / 2)));
  // Neighbours: the middle of what begins as the lower one does.
  const next = pointAt(lower, common + 1, bottom);
  return start + String.fromCodePoint(a, whole(Math.ceil((next + Math.max(top, next + 2)) / 2)));
};

const pointAt = (characters: readonly string[], index: number, otherwise: number): number =>
  characters[index]?.codePointAt(0) ?? otherwise;

/** Half of a surrogate pair is no character. */
const whole = (point: number): number => (point >= 0xd800 && point < 0xe000 ? 0xd7ff : point);
