import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { CharmError, reasonOf } from '../errors.ts';
import { type ListedObject, splitLines } from './object-list.ts';

/** The place of an object that is still being copied. */
export interface Place {
  /** Sets the line; undefined leaves the object out. To be called once. */
  settle(object: ListedObject | undefined): void;
}

/**
 * Writes an object list in the order in which its lines are added, although copies end in any
 * order. A line waits for the lines before it. When `window` lines wait, a mark is written in place
 * of the line that is missing, and replaced at the end. So memory does not grow with the bucket,
 * and one huge object does not hold up the others.
 */
export interface ObjectListWriter extends AsyncDisposable {
  add(object: ListedObject): void;
  reserve(): Place;
  /** Resolves when what was added has been written; to be awaited from time to time. */
  drained(): Promise<void>;
  /** Completes the file. Every place must have been settled. */
  close(): Promise<void>;
}

interface Entry {
  line: string | undefined;
  /** The number of its mark, when there is one. */
  mark?: number;
}

const batch = 65_536;

/**
 * Rejects with `disk-full` when the file cannot be written. Disposed of without `close`, it removes
 * its files.
 */
export const createObjectListWriter = (file: string, window = 10_000): ObjectListWriter => {
  const draft = `${file}.draft`;
  const gzip = createGzip({ level: 1 });
  const written = pipeline(gzip, createWriteStream(draft)).then(
    () => undefined,
    (error: unknown) => error,
  );
  const waiting = new Map<number, Entry>();
  const late = new Map<number, string>();
  let added = 0;
  let next = 0;
  let marks = 0;
  let text = '';

  const write = (line: string): void => {
    text += line;
    if (text.length < batch) return;
    gzip.write(text);
    text = '';
  };
  const flush = (): void => {
    for (;;) {
      const entry = waiting.get(next);
      if (!entry) return;
      if (entry.line === undefined) {
        if (waiting.size <= window) return;
        entry.mark = marks;
        marks += 1;
        write(`${entry.mark}\n`);
      } else write(entry.line);
      waiting.delete(next);
      next += 1;
    }
  };
  const enqueue = (entry: Entry): void => {
    waiting.set(added, entry);
    added += 1;
    if (added - 1 === next || waiting.size > window) flush();
  };

  return {
    add: (object) => {
      if (added === next) {
        write(lineOf(object));
        added += 1;
        next += 1;
      } else enqueue({ line: lineOf(object) });
    },
    reserve: () => {
      const entry: Entry = { line: undefined };
      const number = added;
      enqueue(entry);
      return {
        settle: (object) => {
          entry.line = object ? lineOf(object) : '';
          if (entry.mark !== undefined) late.set(entry.mark, entry.line);
          else if (number === next) flush();
        },
      };
    },
    drained: async () => {
      if (gzip.destroyed) throw unwritable(file, await written);
      if (gzip.writableNeedDrain)
        await Promise.race([new Promise((resolve) => gzip.once('drain', resolve)), written]);
    },
    close: async () => {
      gzip.end(text);
      text = '';
      const error = await written;
      if (error !== undefined) throw unwritable(file, error);
      try {
        if (marks === 0) await rename(draft, file);
        else await replaceMarks(draft, file, late);
      } catch (failure) {
        throw unwritable(file, failure);
      }
    },
    [Symbol.asyncDispose]: async () => {
      gzip.destroy();
      await written;
      await rm(draft, { force: true });
    },
  };
};

const replaceMarks = async (
  draft: string,
  file: string,
  late: ReadonlyMap<number, string>,
): Promise<void> => {
  await pipeline(
    createReadStream(draft),
    createGunzip(),
    async function* (unzipped: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
      let text = '';
      for await (const line of splitLines(unzipped)) {
        text += line.startsWith('{') ? `${line}\n` : (late.get(Number(line)) ?? '');
        if (text.length < batch) continue;
        yield text;
        text = '';
      }
      yield text;
    },
    createGzip({ level: 1 }),
    createWriteStream(file),
  );
  await rm(draft);
};

const lineOf = (object: ListedObject): string => `${JSON.stringify(object)}\n`;

/** The error when the file of an object list cannot be written. */
export const unwritable = (file: string, cause: unknown): CharmError =>
  new CharmError(
    'disk-full',
    `The object list cannot be written to ${file} (${reasonOf(cause)}). Make room on the disk of the charm's container.`,
    { cause },
  );
