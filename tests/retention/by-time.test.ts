import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backupIdAt } from '../../src/repository/layout.ts';
import { asDue, compareByTime, type Due } from '../../src/retention/by-time.ts';
import {
  type Candidate,
  type CandidateFile,
  readCandidates,
  writeCandidates,
} from '../../src/retention/candidates.ts';
import type { StayingList } from '../../src/retention/list-order.ts';
import { aManifest } from '../rigs/manifest.ts';

const day = 24 * 3_600_000;
const nights = 40;
const inEach = 50;

/** Newest first. */
const lists: readonly StayingList[] = Array.from({ length: nights }, (_, index) => {
  const written = (nights - index) * day;
  return {
    ...{ id: backupIdAt(new Date(written)), written, isTrusted: true },
    list: aManifest().buckets[0]!.list,
  };
});

/** Each night replaces the same objects; those of `lost` were never in a list. */
const replaced = (): readonly Candidate[] =>
  Array.from({ length: inEach }, (_, index) => index).flatMap((index) =>
    Array.from({ length: nights }, (_unused, night) => ({
      ...{ key: `${String(index).padStart(3, '0')}/${String(night).padStart(3, '0')}` },
      ...{ size: 1, etag: 'e', modified: (night + 1) * day + 3_600_000 },
    })),
  );
const lost = new Set(['000/005', '007/039', '049/000']);

describe('the comparison of the history with the lists, by time', () => {
  let scratch: string;
  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'by-time-'));
  });
  afterEach(() => rm(scratch, { recursive: true }));

  it('asks one list about each version that has one, and leaves in their order those that have none', async () => {
    let asked = 0;
    let passes = 0;
    const compare = async (due: Due, { written }: StayingList): Promise<CandidateFile> => {
      passes += 1;
      const left = async function* (): AsyncGenerator<Candidate> {
        for await (const candidate of due.read()) {
          asked += 1;
          assert.ok(candidate.modified > written);
          const isListed = candidate.modified < written + day && !lost.has(candidate.key);
          if (!isListed) yield candidate;
        }
      };
      const file = await writeCandidates(join(scratch, `pass-${passes}`), left());
      for (const { path } of due.files) await rm(path);
      return file;
    };
    const all = async function* (): AsyncGenerator<Candidate> {
      // Before the time of all lists.
      yield { key: '', size: 1, etag: 'e', modified: 1 };
      yield* replaced();
    };
    const file = await writeCandidates(join(scratch, 'all'), all());

    const left = await compareByTime(file, lists, compare);

    const found = await Array.fromAsync(left.read(), ({ key }) => key);
    assert.deepEqual(found, ['', ...lost]);
    assert.equal(left.objects, 4);
    assert.equal(passes, nights);
    // What no list has is asked about again by each older one.
    assert.equal(asked, nights * inEach + 5 + 39 + 0);
    const names = [file, ...left.files].map(({ path }) => path);
    assert.deepEqual((await readdir(scratch)).map((name) => join(scratch, name)).toSorted(), [
      ...names.toSorted(),
    ]);
    assert.equal((await Array.fromAsync(readCandidates(file))).length, nights * inEach + 1);
  });

  it('asks no list when none may have them', async () => {
    const old = async function* (): AsyncGenerator<Candidate> {
      yield { key: 'a', size: 1, etag: 'e', modified: 1 };
    };
    const file = await writeCandidates(join(scratch, 'old'), old());
    const left = await compareByTime(file, lists, () => assert.fail('no list has it'));
    const found = await Array.fromAsync(left.read(), ({ key }) => key);
    assert.deepEqual(found, await Array.fromAsync(asDue(file).read(), ({ key }) => key));
  });
});
