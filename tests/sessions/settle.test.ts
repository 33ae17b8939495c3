import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import { deliverSessions, keepEnd, settleVanished } from '../../src/sessions/deliver.ts';
import { recordRun } from '../../src/sessions/record-run.ts';
import { type Session, sessionText } from '../../src/sessions/session.ts';
import { storeSession } from '../../src/sessions/stored-sessions.ts';
import { recordOf, sessionRig, slot, taskOf } from '../rigs/sessions.ts';
import { aManifest } from '../rigs/manifest.ts';
import { targetIn } from '../rigs/target.ts';

const id = '2026-11-25T02:00:00Z';
const running: Session = { ...recordOf(id), phase: 'Running', task: '7' };
const name = `${id}.7`;

describe('a run that did not say how it ended', () => {
  it('was killed, when Juju does not say that somebody cancelled it', async () => {
    for (const tasks of [[], [taskOf('7', 'failed')], [taskOf('7', 'running')]]) {
      const rig = sessionRig();
      rig.tasks = tasks;
      await rig.journal.keepSession(name, sessionText(running));
      assert.equal(await deliverSessions(rig.world), undefined);
      assert.partialDeepStrictEqual((await rig.stored())[0], {
        ...{ phase: 'Failed', code: 'interrupted', finished: '2026-11-25T02:00:03Z' },
      });
      assert.deepEqual(await rig.journal.sessions(), []);
    }
  });

  it('was cancelled, when Juju says so', async () => {
    for (const status of ['aborting', 'aborted', 'cancelled'] as const) {
      const rig = sessionRig();
      rig.tasks = [taskOf('6', 'failed'), taskOf('7', status)];
      await rig.journal.keepSession(name, sessionText(running));
      await deliverSessions(rig.world);
      const [session] = await rig.stored();
      assert.equal(session?.phase, 'Cancelled', status);
      assert.match(session.reason ?? '', /^Task 7 was cancelled/);
    }
  });

  it('was killed as far as anybody knows while the controller is away', async () => {
    const rig = sessionRig();
    rig.tasks = new CharmError('juju-unreachable', 'Away.');
    await rig.journal.keepSession(name, sessionText(running));
    await deliverSessions(rig.world);
    assert.equal((await rig.stored())[0]?.phase, 'Failed');
  });

  it('is settled by the next run, when its unit is gone with its journal', async () => {
    const rig = sessionRig();
    await storeSession(targetIn(rig.store), { ...running, task: '3', unit: 'ckf-backup/1' });
    await assert.rejects(
      recordRun(rig.world, { slot: undefined, attempt: 1 }, async () => {
        throw new CharmError('store-denied', 'No.');
      }),
    );
    assert.deepEqual(
      (await rig.stored()).map(({ phase, task }) => [task, phase]),
      [
        ['7', 'Failed'],
        ['3', 'Failed'],
      ],
    );
  });

  it('is left alone while it goes on in another unit, or while nobody can be asked', async () => {
    const rig = sessionRig();
    await storeSession(targetIn(rig.store), running);
    for (const tasks of [[taskOf('7', 'running')], new CharmError('juju-unreachable', 'Away.')]) {
      rig.tasks = tasks;
      assert.equal(await settleVanished(rig.world), undefined);
      assert.equal((await rig.stored())[0]?.phase, 'Running');
    }
    rig.tasks = [taskOf('7', 'aborted')];
    await settleVanished(rig.world);
    assert.equal((await rig.stored())[0]?.phase, 'Cancelled');
  });

  it('is counted and told once, by whichever unit finds it', async () => {
    const rig = sessionRig();
    const told: Session[] = [];
    const tell = async (session: Session) => void told.push(session);
    await storeSession(targetIn(rig.store), { ...running, task: '3', unit: 'ckf-backup/1' });
    await recordRun(
      rig.world,
      { slot: undefined, attempt: 1 },
      async () => ({ manifest: aManifest({}) }),
      tell,
    );
    await settleVanished(rig.world, { told: tell });
    assert.deepEqual(
      told.map(({ task, phase }) => [task, phase]),
      [
        ['3', 'Failed'],
        ['7', 'Running'],
        ['7', 'Succeeded'],
      ],
    );
    assert.deepEqual(await rig.journal.runCounts(), {
      'failed/schedule': 1,
      'succeeded/operator': 1,
    });
  });
});

describe('a run that was asked to stop', () => {
  it('is cancelled, and says so itself', async () => {
    const rig = sessionRig();
    await assert.rejects(
      recordRun(rig.world, { slot, attempt: 1 }, async () => {
        throw new CharmError('interrupted', 'The unit was asked to stop.');
      }),
    );
    assert.partialDeepStrictEqual((await rig.stored())[0], {
      ...{ phase: 'Cancelled', reason: 'The unit was asked to stop.' },
    });
  });
});

describe('a run that took too long', () => {
  it('has failed, with its code', async () => {
    const rig = sessionRig();
    await assert.rejects(
      recordRun(rig.world, { slot, attempt: 1 }, async () => {
        throw new CharmError('deadline-exceeded', 'Too long.');
      }),
    );
    assert.partialDeepStrictEqual((await rig.stored())[0], {
      ...{ phase: 'Failed', code: 'deadline-exceeded' },
    });
  });
});

describe('what the schedule learns from Juju of the end of a run', () => {
  const ended: Session = {
    ...{ ...running, phase: 'Failed', code: 'interrupted', finished: id },
    inferred: true,
  };

  it('is recorded when the run had no chance to', async () => {
    const rig = sessionRig();
    await keepEnd(rig.journal, ended);
    const told: Session[] = [];
    await deliverSessions(rig.world, { told: async (session) => void told.push(session) });
    assert.deepEqual(await rig.stored(), [ended]);
    assert.deepEqual(told, [ended]);
    assert.deepEqual(await rig.journal.runCounts(), { 'failed/schedule': 1 });
  });

  it('adds nothing to what the run said, counted and told itself', async () => {
    const rig = sessionRig();
    const told: Session[] = [];
    const tell = async (session: Session) => void told.push(session);
    await assert.rejects(
      recordRun(
        rig.world,
        { slot, attempt: 1 },
        async ({ progress }) => {
          await progress.note('the words of the run');
          throw new CharmError('store-denied', 'No.');
        },
        tell,
      ),
    );
    const pageOf = async () => (await rig.store.read(`ckf/runs/${id}.html`)).toString();
    const page = await pageOf();
    assert.match(page, /the words of the run/);
    await keepEnd(rig.journal, ended);
    await deliverSessions(rig.world, { told: tell });
    assert.deepEqual(
      told.map(({ phase }) => phase),
      ['Running', 'Failed'],
    );
    assert.deepEqual(await rig.journal.runCounts(), { 'failed/schedule': 1 });
    assert.equal(await pageOf(), page);
  });

  it('does not take the place of what the run says, here or in S3', async () => {
    const rig = sessionRig();
    const own: Session = { ...running, phase: 'Failed', code: 'store-denied' };
    await rig.journal.keepSession(name, sessionText(own));
    await keepEnd(rig.journal, ended);
    await deliverSessions(rig.world);
    await keepEnd(rig.journal, ended);
    await deliverSessions(rig.world);
    assert.deepEqual(await rig.stored(), [own]);
  });
});

describe('S3 that is full when a session is recorded', () => {
  it('gets the record later, from the journal', async () => {
    const rig = sessionRig();
    const full = async (): Promise<never> => {
      throw new CharmError('store-refused', 'QuotaExceeded: full.');
    };
    const put = rig.store.put.bind(rig.store);
    rig.store.put = full;
    await assert.rejects(recordRun(rig.world, { slot, attempt: 1 }, full), /full/);
    rig.store.put = put;
    assert.equal((await rig.journal.sessions()).length, 1);
    assert.deepEqual(await rig.stored(), []);
    assert.equal(await deliverSessions(rig.world), undefined);
    assert.partialDeepStrictEqual((await rig.stored())[0], { code: 'store-refused', task: '7' });
    assert.deepEqual(await rig.journal.sessions(), []);
  });
});
