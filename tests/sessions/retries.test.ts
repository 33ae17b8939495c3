import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CharmError } from '../../src/errors.ts';
import { backupIdAt } from '../../src/repository/layout.ts';
import { mergeSessions } from '../../src/sessions/merge.ts';
import { recordRun } from '../../src/sessions/record-run.ts';
import type { Session } from '../../src/sessions/session.ts';
import { readSession } from '../../src/sessions/stored-sessions.ts';
import { aManifest } from '../rigs/manifest.ts';
import { recordOf, sessionRig, slot } from '../rigs/sessions.ts';
import { targetIn } from '../rigs/target.ts';

const id = '2026-11-25T02:00:00Z';
const manifest = aManifest({ id: backupIdAt(new Date('2026-11-25T02:30:05Z')) });

/** A run that fails, and its retry as another task that succeeds. */
const failAndRetry = async (rig: ReturnType<typeof sessionRig>): Promise<void> => {
  await assert.rejects(
    recordRun(rig.world, { slot, attempt: 1 }, async ({ progress }) => {
      await progress.note('first words');
      throw new CharmError('store-unreachable', 'S3 was away.');
    }),
  );
  await recordRun({ ...rig.world, task: '12' }, { slot, attempt: 2 }, async ({ progress }) => {
    await progress.note('second words');
    return { manifest };
  });
};

describe('a slot whose run is tried again', () => {
  it('has one record, which tells of both runs', async () => {
    const rig = sessionRig();
    await failAndRetry(rig);
    const [session, ...others] = await rig.stored();
    assert.deepEqual(others, []);
    assert.partialDeepStrictEqual(session, { phase: 'Succeeded', task: '12', attempt: 2 });
    assert.deepEqual(
      session?.earlier?.map(({ phase, task, code }) => [phase, task, code]),
      [['Failed', '7', 'store-unreachable']],
    );
  });

  it('keeps what the run before said, in front of what the retry said', async () => {
    const rig = sessionRig();
    await failAndRetry(rig);
    const { log } = await readSession(targetIn(rig.store), id);
    assert.match(log ?? '', /Task 7\n.* first words\n.* Task 12, attempt 2\n.* second words\n$/);
  });

  it('loses neither when S3 was away all the time', async () => {
    const rig = sessionRig();
    rig.away = new CharmError('store-unreachable', 'Away.');
    await failAndRetry(rig);
    rig.away = undefined;
    await recordRun({ ...rig.world, task: '20' }, { slot: undefined, attempt: 1 }, async () => ({
      manifest,
    }));
    const { session, log } = await readSession(targetIn(rig.store), id);
    assert.equal(session.phase, 'Succeeded');
    assert.equal(session.earlier?.length, 1);
    assert.match(log ?? '', /first words[^]*second words/);
  });

  it('does not say a thing twice when a record was sent only in part', async () => {
    const rig = sessionRig();
    await failAndRetry(rig);
    const before = await readSession(targetIn(rig.store), id);
    await rig.journal.keepSession(`${id}.12`, JSON.stringify(before.session));
    await rig.journal.appendSessionLog(`${id}.12`, (before.log ?? '').slice(-30));
    await recordRun({ ...rig.world, task: '20' }, { slot: undefined, attempt: 1 }, async () => ({
      manifest,
    }));
    assert.deepEqual(await readSession(targetIn(rig.store), id), before);
  });
});

describe('what is known of a slot', () => {
  const run = (task: string, phase: Session['phase'], code?: string): Session => ({
    ...recordOf(id),
    ...{ phase, task, started: id, attempt: Number(task) },
    ...(code !== undefined && { code }),
  });
  const missed = recordOf(id);

  it('is what its newest run says, whichever word comes first', () => {
    const [first, second] = [run('9', 'Failed', 'store-unreachable'), run('10', 'Succeeded')];
    const both = mergeSessions(first, second);
    assert.deepEqual(mergeSessions(second, first), both);
    assert.equal(both.task, '10');
  });

  it('is what the run itself says, rather than what others found', () => {
    const own = run('9', 'Failed', 'store-denied');
    const killed = { ...run('9', 'Failed', 'interrupted'), inferred: true };
    assert.deepEqual(mergeSessions(own, killed), own);
    assert.deepEqual(mergeSessions(run('9', 'Running'), killed), killed);
    assert.deepEqual(mergeSessions(killed, own), own);
  });

  it('is missed only when no run did anything', () => {
    const failed = run('9', 'Failed', 'store-denied');
    assert.deepEqual(mergeSessions(failed, missed), failed);
    assert.deepEqual(mergeSessions(missed, failed), failed);
    const busy = run('9', 'Skipped', 'workloads-running');
    for (const both of [mergeSessions(busy, missed), mergeSessions(missed, busy)]) {
      assert.equal(both.phase, 'Missed');
      assert.equal(both.earlier?.[0]?.code, 'workloads-running');
    }
  });

  it('is what the run says that did something, although a newer one found another backup running', () => {
    const [first, second] = [run('9', 'Succeeded'), run('10', 'Skipped', 'backup-running')];
    const both = mergeSessions(first, second);
    assert.deepEqual(mergeSessions(second, first), both);
    assert.deepEqual([both.task, both.earlier?.[0]?.task], ['9', '10']);
    const inferred = { ...run('10', 'Failed', 'scheduled-backup-failed'), inferred: true };
    assert.deepEqual(mergeSessions(both, inferred), both);
  });

  it('takes a run for dead when another one was begun', () => {
    const both = mergeSessions(run('9', 'Running'), run('10', 'Running'));
    assert.equal(both.phase, 'Running');
    assert.equal(both.earlier?.[0]?.phase, 'Failed');
  });

  it('does not depend on the order in which words of its runs come', () => {
    const words = fc.shuffledSubarray(
      [
        run('3', 'Failed', 'store-unreachable'),
        run('4', 'Cancelled', 'juju-unreachable'),
        run('5', 'Failed', 'store-denied'),
        run('6', 'Succeeded'),
      ],
      { minLength: 4 },
    );
    fc.assert(
      fc.property(words, ([first, ...others]) => {
        const known = others.reduce(mergeSessions, first ?? missed);
        assert.equal(known.task, '6');
        assert.deepEqual(
          known.earlier?.map(({ task }) => task),
          ['3', '4', '5'],
        );
      }),
    );
  });
});
