import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openJournal } from '../../src/adapters/journal.ts';
import { CharmError } from '../../src/errors.ts';
import type { Journal, JournalEntry } from '../../src/world.ts';

const entry = (application: string, scale = 1): JournalEntry => ({
  application,
  scale,
  changedTo: 0,
  since: '2026-11-21T20:15:00.000Z',
});

const openRig = async (): Promise<
  { journal: Journal; directory: string; reports: string[] } & AsyncDisposable
> => {
  const directory = await mkdtemp(join(tmpdir(), 'journal-'));
  const reports: string[] = [];
  return {
    directory,
    reports,
    journal: openJournal({
      locate: async () => directory,
      report: async (message) => {
        reports.push(message);
      },
    }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
};

const code = (expected: string) => (error: unknown) =>
  error instanceof CharmError && error.code === expected;

describe('the journal', () => {
  it('remembers one entry for each application, over a restart', async () => {
    await using rig = await openRig();
    await rig.journal.record(entry('kfp-db'));
    await rig.journal.record(entry('kfp-metadata-writer'));
    const restarted = openJournal({ locate: async () => rig.directory, report: async () => {} });
    assert.deepEqual(await restarted.entries(), [entry('kfp-db'), entry('kfp-metadata-writer')]);
    await restarted.remove('kfp-db');
    assert.deepEqual(await rig.journal.entries(), [entry('kfp-metadata-writer')]);
  });

  it('does not mind that an entry to remove is not there', async () => {
    await using rig = await openRig();
    await rig.journal.remove('kfp-db');
    assert.deepEqual(await rig.journal.entries(), []);
  });

  it('remembers the last backup apart from the entries', async () => {
    await using rig = await openRig();
    assert.equal(await rig.journal.lastBackup(), undefined);
    const backup = {
      ...{ id: '2026-11-21T20:15:00Z', bytes: 12, consistent: false },
      verified: 'intact' as const,
    };
    await rig.journal.setLastBackup(backup);
    assert.deepEqual(await rig.journal.lastBackup(), backup);
    assert.deepEqual(await rig.journal.entries(), []);
  });

  it('reports what it cannot read and gives the rest', async () => {
    await using rig = await openRig();
    await rig.journal.record(entry('kfp-db'));
    await writeFile(join(rig.directory, 'undo-torn.json'), '{"application":"torn","sca');
    await writeFile(join(rig.directory, 'undo-wrong.json'), '{"application":"wrong","scale":-1}');
    await writeFile(join(rig.directory, 'undo-null.json'), 'null');
    await mkdir(join(rig.directory, 'undo-directory.json'));
    await writeFile(join(rig.directory, 'last-backup.json'), '');
    assert.deepEqual(await rig.journal.entries(), [entry('kfp-db')]);
    assert.equal(await rig.journal.lastBackup(), undefined);
    assert.equal(rig.reports.length, 5);
  });

  it('reads an entry that another revision of the charm wrote, with fields that this one does not know', async () => {
    await using rig = await openRig();
    const other = { ...entry('kfp-db'), format: 2, reason: 'backup' };
    await writeFile(join(rig.directory, 'undo-kfp-db.json'), JSON.stringify(other));
    assert.deepEqual(await rig.journal.entries(), [entry('kfp-db')]);
  });

  it('passes by files that are not its own, such as one that a crash left next to its place', async () => {
    await using rig = await openRig();
    await writeFile(join(rig.directory, 'undo-kfp-db.json.new'), '{'.repeat(1000));
    await mkdir(join(rig.directory, 'lost+found'));
    assert.deepEqual(await rig.journal.entries(), []);
    assert.deepEqual(rig.reports, []);
    await rig.journal.record(entry('kfp-db'));
    assert.deepEqual(await rig.journal.entries(), [entry('kfp-db')]);
    assert.deepEqual((await readdir(rig.directory)).sort(), ['lost+found', 'undo-kfp-db.json']);
  });

  it('leaves the old entry whole when the new one cannot be put in its place', async () => {
    await using rig = await openRig();
    await mkdir(join(rig.directory, 'undo-kfp-db.json'));
    await assert.rejects(rig.journal.record(entry('kfp-db')), code('journal-unavailable'));
    assert.deepEqual(await readdir(rig.directory), ['undo-kfp-db.json']);
  });

  it('holds nothing back from the disk: what it wrote is there for another reader', async () => {
    await using rig = await openRig();
    await rig.journal.record(entry('kfp-db'));
    const text = await readFile(join(rig.directory, 'undo-kfp-db.json'), 'utf8');
    assert.deepEqual(JSON.parse(text), entry('kfp-db'));
  });

  it('says so when the storage is not attached', async () => {
    const journal = openJournal({ locate: async () => undefined, report: async () => {} });
    await assert.rejects(journal.entries(), code('journal-pending'));
    await assert.rejects(journal.record(entry('kfp-db')), code('journal-pending'));
    await assert.rejects(journal.remove('kfp-db'), code('journal-pending'));
    await assert.rejects(journal.lastBackup(), code('journal-pending'));
  });

  it('says so when the directory has gone', async () => {
    await using rig = await openRig();
    await chmod(rig.directory, 0o700);
    await rm(rig.directory, { recursive: true });
    await assert.rejects(rig.journal.entries(), code('journal-unavailable'));
    await assert.rejects(rig.journal.record(entry('kfp-db')), code('journal-unavailable'));
  });
});
