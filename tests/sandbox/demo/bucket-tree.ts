import { sizeText } from './size-text.ts';

interface StoredObject {
  readonly key: string;
  readonly size: number;
}

const mostListed = 3;
const deepest = 3;

/**
 * What lies in a bucket, as lines: a folder with its number of objects and their size, and the
 * objects themselves where they are few.
 */
export const bucketTree = (objects: readonly StoredObject[], indent = ''): string[] =>
  [...childrenOf(objects)].flatMap(([name, below]) => {
    const [first] = below;
    if (!name.endsWith('/') && first !== undefined)
      return [line(`${indent}${name}`, '', sizeText(first.size))];
    const size = below.reduce((sum, object) => sum + object.size, 0);
    const head = line(`${indent}${name}`, countText(below.length), sizeText(size));
    const opened = below.map((object) => ({ ...object, key: object.key.slice(name.length) }));
    const depth = indent.length / 2 + 1;
    const fewChildren = [...childrenOf(opened).keys()].length <= 8;
    const opens = below.length <= mostListed || (depth < deepest && fewChildren);
    return opens ? [head, ...bucketTree(opened, `${indent}  `)] : [head];
  });

const childrenOf = (objects: readonly StoredObject[]): ReadonlyMap<string, StoredObject[]> =>
  Map.groupBy(objects, ({ key }) => key.slice(0, key.indexOf('/') + 1) || key);

const line = (name: string, count: string, size: string): string =>
  `${name.padEnd(54)}${count.padStart(14)}${size.padStart(12)}`;

const countText = (count: number): string =>
  `${count.toLocaleString('en')} object${count === 1 ? '' : 's'}`;
