import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { CharmError, reasonOf } from '../errors.ts';
import { splitLines } from '../repository/object-list.ts';

/** An object that may have to be deleted. */
export interface Candidate {
  /** The key below the prefix that was listed. */
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** A set that stays lists another version of this key. */
  readonly inUse?: boolean;
  /** A set that goes lists this very version. */
  readonly listed?: boolean;
  /** A set that goes lists another version of this key. */
  readonly freed?: boolean;
}

/** Candidates in a file, because memory must not grow with their number. */
export interface CandidateFile {
  readonly path: string;
  readonly objects: number;
  readonly bytes: number;
  /** When the newest of them was modified, in milliseconds since 1970; 0 when there is none. */
  readonly newest: number;
  /** How many of them no set that goes is known to list. */
  readonly unlisted: number;
}

/** What a file says of its candidates, while they are written. */
export const countCandidates = (): {
  add(candidate: Candidate): void;
  sums(): Omit<CandidateFile, 'path'>;
} => {
  let objects = 0;
  let bytes = 0;
  let newest = 0;
  let unlisted = 0;
  return {
    add: ({ size, modified, listed }) => {
      objects += 1;
      bytes += size;
      newest = Math.max(newest, modified);
      if (listed !== true) unlisted += 1;
    },
    sums: () => ({ objects, bytes, newest, unlisted }),
  };
};

/** Rejects with `disk-full` when the file cannot be written, or with the candidates' own error. */
export const writeCandidates = async (
  path: string,
  candidates: AsyncIterable<Candidate>,
): Promise<CandidateFile> => {
  const count = countCandidates();
  let failure: { readonly error: unknown } | undefined;
  const lines = async function* (): AsyncGenerator<string> {
    let text = '';
    try {
      for await (const candidate of candidates) {
        count.add(candidate);
        text += `${JSON.stringify(candidate)}\n`;
        if (text.length < 65_536) continue;
        yield text;
        text = '';
      }
    } catch (error) {
      failure = { error };
      throw error;
    }
    yield text;
  };
  try {
    await pipeline(lines, createGzip({ level: 1 }), createWriteStream(path));
  } catch (error) {
    if (failure) throw failure.error;
    throw unwritable(path, error);
  }
  return { path, ...count.sums() };
};

export async function* readCandidates(file: CandidateFile): AsyncGenerator<Candidate> {
  const unzipped = createGunzip();
  const piped = pipeline(createReadStream(file.path), unzipped).catch(() => undefined);
  try {
    for await (const line of splitLines(unzipped)) {
      const value: unknown = JSON.parse(line);
      if (!isCandidate(value)) throw new TypeError(`${file.path} holds something else`);
      yield value;
    }
  } finally {
    unzipped.destroy();
    await piped;
  }
}

const isCandidate = (value: unknown): value is Candidate =>
  typeof value === 'object' &&
  value !== null &&
  'key' in value &&
  typeof value.key === 'string' &&
  'modified' in value &&
  typeof value.modified === 'number';

export const unwritable = (path: string, cause: unknown): CharmError =>
  new CharmError(
    'disk-full',
    `The list of what may be deleted cannot be written to ${path} (${reasonOf(cause)}). Nothing was deleted. Make room on the disk of the charm's container.`,
    { cause },
  );
