import { randomUUID } from 'node:crypto';
import { CharmError, hasCode, orProblem } from '../errors.ts';
import { layoutOf } from '../repository/layout.ts';
import { countText, excerpt } from '../text.ts';
import type { ObjectStore, Source, StoredObject, Target } from '../world.ts';

/**
 * Finds the objects of a source that a target cannot hold, before anything is copied. It is for
 * servers that do not take every key; one object of each kind is tried out there. Lists the whole
 * source, in constant memory.
 */
export const unstorableKeys = async (
  source: Source,
  target: Target,
): Promise<readonly CharmError[]> => {
  const found = new Map<Kind, { count: number; readonly first: string }>();
  const isBelow = createNesting();
  for await (const object of source.store.list('')) {
    const { key } = object;
    for (const kind of kindsOf(object, isBelow(key))) {
      const known = found.get(kind);
      if (known) known.count += 1;
      else found.set(kind, { count: 1, first: key });
    }
  }
  const problems: CharmError[] = [];
  for (const [kind, { count, first }] of found)
    if (!(await takes(target, kind, first)))
      problems.push(unstorable({ source, target, kind, count, first }));
  return problems;
};

type Kind = 'long' | 'odd' | 'dots' | 'empty' | 'folder' | 'control' | 'below';

const reasons = {
  long: 'a name between two slashes has more than 255 bytes',
  odd: 'a name between two slashes is . or .. but for spaces',
  dots: 'a name between two slashes is . or ..',
  empty: 'a name between two slashes is empty',
  control: 'the key has a control character',
  folder: 'the key ends with a slash, and the object is not empty',
  below: 'the key begins with that of another object and a slash',
} as const satisfies Readonly<Record<Kind, string>>;

const isLong = (segment: string): boolean => Buffer.byteLength(segment) > 255;

const isDots = (segment: string): boolean => segment === '.' || segment === '..';

const isOdd = (segment: string): boolean => !isDots(segment) && isDots(segment.trim());

/** A key that ends with a slash has no name after it. */
const isEmpty = (segment: string, index: number, { length }: readonly string[]): boolean =>
  segment === '' && index < length - 1;

const kindsOf = ({ key, size }: StoredObject, isBelow: boolean): readonly Kind[] => {
  const segments = key.split('/');
  return [
    ...(segments.some(isLong) ? (['long'] as const) : []),
    ...(segments.some(isOdd) ? (['odd'] as const) : []),
    ...(segments.some(isDots) ? (['dots'] as const) : []),
    ...(segments.some(isEmpty) ? (['empty'] as const) : []),
    ...(/\p{Cc}/u.test(key) ? (['control'] as const) : []),
    ...(key.endsWith('/') && size > 0 ? (['folder'] as const) : []),
    ...(isBelow ? (['below'] as const) : []),
  ];
};

/**
 * Whether a key lies below one that came before it, in a listing in the order of the keys. All keys
 * that begin alike stand together there, so only those that this one begins with are remembered.
 */
const createNesting = (): ((key: string) => boolean) => {
  const above: string[] = [];
  return (key) => {
    while (above.length > 0 && !key.startsWith(above.at(-1) ?? '')) above.pop();
    const isBelow = above.some((other) => key[other.length] === '/' && !other.endsWith('/'));
    above.push(key);
    return isBelow;
  };
};

/**
 * Tries an object of this kind below our own path, and takes it away again. A server that keeps
 * objects as files may take a key and store another one, as versitygw stores `a//b` as `a/b`, so a
 * kind counts as taken only when it is listed.
 */
const takes = async ({ store, prefix }: Target, kind: Kind, example: string): Promise<boolean> => {
  const test = layoutOf(prefix).writeTest(randomUUID());
  const segments = example.split('/');
  const key = {
    long: `${test}/${segments.find(isLong) ?? ''}`,
    odd: `${test}/${segments.find(isOdd) ?? ''}/x`,
    // Also where the server resolves them, this stays below `test`.
    dots: `${test}/y/${segments.find(isDots) ?? ''}/x`,
    empty: `${test}//x`,
    folder: `${test}/`,
    control: `${test}/${/\p{Cc}/u.exec(example)?.[0] ?? ''}x`,
    below: `${test}/x`,
  }[kind];
  const keys = kind === 'below' ? [test, key] : [key];
  try {
    for (const one of keys) await store.put(one, 'May be deleted.\n');
    return await isListed(store, key);
  } catch (error) {
    if (hasCode(error, 'store-refused', 'store-denied', 'store-unreachable')) return false;
    throw error;
  } finally {
    await orProblem(() => store.delete(keys));
  }
};

const isListed = async (store: ObjectStore, key: string): Promise<boolean> => {
  for await (const found of store.list(key, { upTo: key })) if (found.key === key) return true;
  return false;
};

const unstorable = ({
  source,
  target,
  kind,
  count,
  first,
}: {
  readonly source: Source;
  readonly target: Target;
  readonly kind: Kind;
  readonly count: number;
  readonly first: string;
}): CharmError =>
  new CharmError(
    'keys-refused',
    `${target.store.description} cannot hold ${countText(count, 'object')} of the bucket ${source.bucket}, such as ${JSON.stringify(excerpt(first, 60))}: ${reasons[kind]}.` +
      ` Nothing was copied. Rename them in the source, or use an S3 server that takes every key, as AWS and RadosGW do.`,
  );
