import assert from 'node:assert/strict';
import type { Journal, JournalEntry } from '../../src/world.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';

const entry = (application: string, scale = 1): JournalEntry => ({
  application,
  scale,
  changedTo: 0,
  since: '2026-11-21T20:15:00.000Z',
});

/** The promises of the port Journal, for whatever keeps them. `open` gives an empty one. */
export const itIsAJournal = (
  name: string,
  open: () => Promise<AsyncDisposable & { readonly journal: Journal }>,
): void => {
  describe(`${name} as a journal`, () => {
    it('has nothing to put back at first, and no last backup', async () => {
      await using rig = await open();
      assert.deepEqual(await rig.journal.entries(), []);
      assert.equal(await rig.journal.lastBackup(), undefined);
      assert.deepEqual(await rig.journal.databasePaths(), {});
    });

    it('keeps one entry for each application, and refuses to lose it for another one', async () => {
      await using rig = await open();
      await rig.journal.record(entry('kfp-db'));
      await rig.journal.record(entry('katib-db'));
      await rejectsWithCode(rig.journal.record(entry('kfp-db', 3)), 'scale-refused');
      const kept = await rig.journal.entries();
      assert.deepEqual(
        kept.toSorted((a, b) => (a.application < b.application ? -1 : 1)),
        [entry('katib-db'), entry('kfp-db')],
      );
      await rig.journal.remove('kfp-db');
      await rig.journal.record(entry('kfp-db', 3));
    });

    it('leaves nothing behind when it is asked whether it can be written', async () => {
      await using rig = await open();
      await rig.journal.probe();
      assert.deepEqual(await rig.journal.entries(), []);
    });

    it('forgets an entry that was removed, and does not mind one that was not there', async () => {
      await using rig = await open();
      await rig.journal.record(entry('kfp-db'));
      await rig.journal.remove('kfp-db');
      await rig.journal.remove('kfp-db');
      assert.deepEqual(await rig.journal.entries(), []);
    });

    it('keeps how the last backup ended, and forgets it', async () => {
      await using rig = await open();
      const at = '2026-11-26T10:49:30.000Z';
      for (const attempt of [
        { at, task: '17', outcome: 'begun' },
        { at, task: '17', outcome: 'failed', code: 'objects-failed' },
        undefined,
      ] as const) {
        await rig.journal.setLastAttempt(attempt);
        assert.deepEqual(await rig.journal.lastAttempt(), attempt);
      }
      assert.deepEqual(await rig.journal.entries(), []);
    });

    it('keeps the session of volumes that goes on, and forgets it', async () => {
      await using rig = await open();
      assert.equal(await rig.journal.volumeSession(), undefined);
      for (const session of ['20261121t030000z', '20261122t030000z', undefined, undefined]) {
        await rig.journal.setVolumeSession(session);
        assert.equal(await rig.journal.volumeSession(), session);
      }
    });

    it('keeps the last backup and the paths of databases apart from the entries', async () => {
      await using rig = await open();
      const backup = {
        ...{ id: '2026-11-21T20:15:00Z', bytes: 12, consistent: true },
        verified: 'damaged' as const,
      };
      await rig.journal.setLastBackup(backup);
      await rig.journal.setDatabasePath('kfp-db', 'ckf/kfp-db-2');
      await rig.journal.setDatabasePath('katib-db', 'ckf/katib-db-3');
      assert.deepEqual(await rig.journal.lastBackup(), backup);
      assert.deepEqual(await rig.journal.databasePaths(), {
        'kfp-db': 'ckf/kfp-db-2',
        'katib-db': 'ckf/katib-db-3',
      });
      assert.deepEqual(await rig.journal.entries(), []);
    });

    it('keeps the records of runs and what the runs said until they are dropped', async () => {
      await using rig = await open();
      assert.deepEqual(await rig.journal.sessions(), []);
      const [first, second] = ['2026-11-25T02:00:00Z', '2026-11-25T20:15:00Z-7'] as const;
      await rig.journal.keepSession(second, '{"a":1}');
      await rig.journal.keepSession(first, '{}');
      await rig.journal.keepSession(second, '{"a":2}');
      await rig.journal.appendSessionLog(second, 'one\n');
      await rig.journal.appendSessionLog(second, 'two\n');
      assert.deepEqual(await rig.journal.sessions(), [
        { id: first, text: '{}', log: undefined },
        { id: second, text: '{"a":2}', log: 'one\ntwo\n' },
      ]);
      assert.deepEqual(await rig.journal.entries(), []);
      await rig.journal.dropSession(second);
      await rig.journal.dropSession('2026-11-25T03:00:00Z');
      assert.deepEqual(
        (await rig.journal.sessions()).map(({ id }) => id),
        [first],
      );
    });

    it('keeps the notebooks that are to be started again, each under its own name', async () => {
      await using rig = await open();
      assert.deepEqual(await rig.journal.stoppedNotebooks(), []);
      const stopped = '2026-11-26T10:49:30.123Z';
      const [one, other] = [
        { namespace: 'alice-lab', name: '1', stopped },
        { namespace: 'alice', name: 'lab.1', stopped },
      ] as const;
      await rig.journal.recordNotebook(one);
      await rig.journal.recordNotebook(other);
      assert.deepEqual(await rig.journal.stoppedNotebooks(), [one, other]);
      assert.deepEqual(await rig.journal.entries(), []);
      await rig.journal.removeNotebook(one);
      await rig.journal.removeNotebook(one);
      assert.deepEqual(await rig.journal.stoppedNotebooks(), [other]);
    });

    it('counts runs by how they ended', async () => {
      await using rig = await open();
      assert.deepEqual(await rig.journal.runCounts(), {});
      await rig.journal.countRun('succeeded/schedule', 1);
      await rig.journal.countRun('missed/schedule', 3);
      await rig.journal.countRun('succeeded/schedule', 1);
      assert.deepEqual(await rig.journal.runCounts(), {
        'succeeded/schedule': 2,
        'missed/schedule': 3,
      });
    });

    it('keeps what the exporter serves, apart from the entries', async () => {
      await using rig = await open();
      assert.equal(await rig.journal.metricFacts(), undefined);
      await rig.journal.setMetricFacts('{"a":1}');
      assert.equal(await rig.journal.metricFacts(), '{"a":1}');
      assert.deepEqual(await rig.journal.entries(), []);
      await rig.journal.setMetricFacts(undefined);
      await rig.journal.setMetricFacts(undefined);
      assert.equal(await rig.journal.metricFacts(), undefined);
    });
  });
};
