import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openJournal } from '../../src/adapters/journal.ts';
import { itIsAJournal } from '../contracts/journal.ts';
import { FakeJournal } from '../fakes/journal.ts';

itIsAJournal('a directory', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'journal-'));
  return {
    journal: openJournal({ locate: async () => directory, report: async () => undefined }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
});

itIsAJournal('the fake', async () => ({
  journal: new FakeJournal(),
  [Symbol.asyncDispose]: async () => undefined,
}));
