import { gzipSync } from 'node:zlib';
import { appendFile } from 'node:fs/promises';
import { mergeJoin } from '../repository/join.ts';
import { readAhead } from '../repository/read-ahead.ts';
import {
  type Candidate,
  type CandidateFile,
  countCandidates,
  readCandidates,
  unwritable,
} from './candidates.ts';
import { newestThatMayList, type StayingList } from './list-order.ts';

/** Candidates in one or two files. */
export interface Due {
  readonly objects: number;
  readonly files: readonly CandidateFile[];
  /** In the order of their keys. */
  read(): AsyncIterable<Candidate>;
}

/**
 * The candidates of the history that none of these lists has. They are spread over files by the
 * newest list that may have each (see `cannotList`), which most often does. So each is compared
 * with one list, or with all older ones when none has it, and the work grows with the lists and
 * with the candidates, not with both multiplied. `lists` are those of a time that tells, newest
 * first; `compare` writes what a list does not have, and deletes the files of what was due.
 */
export const compareByTime = async (
  file: CandidateFile,
  lists: readonly StayingList[],
  compare: (due: Due, list: StayingList) => Promise<CandidateFile>,
): Promise<Due> => {
  const parts = await spread(file, lists);
  let left: Due = dueOf([]);
  for (const [index, part] of parts.entries()) {
    const due = dueOf([...left.files, ...(part ? [part] : [])]);
    const list = lists[index];
    // Behind the last list is what came before all of them.
    if (list === undefined) left = due;
    else if (due.objects > 0) left = dueOf([await compare(due, list)]);
  }
  return left;
};

export const asDue = (file: CandidateFile): Due => dueOf([file]);

const dueOf = (files: readonly CandidateFile[]): Due => {
  const [first, second] = files;
  return {
    files,
    objects: files.reduce((objects, file) => objects + file.objects, 0),
    read: async function* () {
      if (first === undefined) return;
      if (second === undefined) yield* readCandidates(first);
      else yield* merged(readCandidates(first), readCandidates(second));
    },
  };
};

async function* merged(
  first: AsyncIterable<Candidate>,
  second: AsyncIterable<Candidate>,
): AsyncGenerator<Candidate> {
  const name = 'list of candidates';
  for await (const found of mergeJoin(
    { items: readAhead(first, name) },
    { items: readAhead(second, name) },
  )) {
    const one = found[0] ?? found[1];
    if (one) yield one;
  }
}

/** Characters. There is a text in memory for each list. */
const room = 16_384;

/** The files, by the index of the list; the last one is of those that no list may have. */
const spread = async (
  file: CandidateFile,
  lists: readonly StayingList[],
): Promise<readonly (CandidateFile | undefined)[]> => {
  const parts = Array.from({ length: lists.length + 1 }, (_, index) => ({
    path: `${file.path}.${index}`,
    text: '',
    count: countCandidates(),
  }));
  const flush = async (part: (typeof parts)[number]): Promise<void> => {
    // Gzip members that follow each other are one file.
    const packed = gzipSync(part.text, { level: 1 });
    part.text = '';
    await appendFile(part.path, packed).catch((error: unknown) => {
      throw unwritable(part.path, error);
    });
  };
  for await (const candidate of readCandidates(file)) {
    const part = parts[newestThatMayList(lists, candidate.modified)];
    if (part === undefined) continue;
    part.count.add(candidate);
    part.text += `${JSON.stringify(candidate)}\n`;
    if (part.text.length > room) await flush(part);
  }
  for (const part of parts) if (part.text !== '') await flush(part);
  return parts.map(({ path, count }) =>
    count.sums().objects === 0 ? undefined : { path, ...count.sums() },
  );
};
