import assert from 'node:assert/strict';
import { listVolumeSessions } from '../../../src/actions/volume-sessions.ts';
import { recordVolumeDecision } from '../../../src/hooks/volume-schedule-records.ts';
import { layoutOf } from '../../../src/repository/layout.ts';
import type { Decision } from '../../../src/schedule/decision.ts';
import { CharmError } from '../../../src/errors.ts';
import { settleNewest } from '../../../src/volumes/dead-session.ts';
import {
  type SessionRecord,
  readSession,
  writeSession,
} from '../../../src/volumes/records/session-record.ts';
import type { World } from '../../../src/world.ts';
import { FakeJournal } from '../../fakes/journal.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { targetIn } from '../../rigs/target.ts';

const now = new Date('2026-11-29T12:00:00Z');
const missed = {
  ...({ phase: 'Missed', reason: 'It could not be begun.', count: 2 } as const),
  ...{ first: new Date('2026-11-27T03:00:00Z'), last: new Date('2026-11-28T03:00:00Z') },
};

/** S3 in memory, which can be away. */
const rig = () => {
  const store = new FakeObjectStore({ description: 'bucket backups at http://s3.test' });
  const target = targetIn(store);
  const state = { isAway: false };
  const journal = new FakeJournal();
  const told: string[] = [];
  const world: Partial<World> = {
    ...{ journal, application: 'ckf-backup', model: { name: 'kubeflow', uuid: '' } },
    openNotifier: async (about) => ({
      send: async ({ kind, text }) => {
        told.push(`${about ?? ''} ${kind} ${text}`);
      },
    }),
    clock: { now: () => now, sleep: async () => undefined },
    openTarget: async () => {
      if (state.isAway) throw new CharmError('store-unreachable', 'S3 is away.');
      return target;
    },
  };
  return Object.assign(state, {
    ...{ store, target, journal, told, world: world as World, layout: layoutOf(target.prefix) },
  });
};

const decisionWith = (changes: Partial<Decision>): Decision => ({
  ...{ step: { kind: 'wait' }, unused: [], ended: [], wake: undefined },
  standing: { accounted: now },
  ...changes,
});

const aSession: SessionRecord = {
  ...{ id: '20261126t030001z', kind: 'backup', phase: 'Running', volumes: [] },
  started: '2026-11-26T03:00:01.000Z',
};

describe("times of the schedule of users' volumes that got no run", () => {
  it('are counted once, and have a session as soon as S3 can be reached', async () => {
    const one = rig();
    one.isAway = true;
    const unsent = await recordVolumeDecision(one.world, decisionWith({ unused: [missed] }), []);
    assert.deepEqual(unsent, [missed]);
    one.isAway = false;
    assert.deepEqual(await recordVolumeDecision(one.world, decisionWith({}), unsent), []);
    assert.deepEqual(await one.journal.runCounts(), { 'volumes/missed': 2 });
    assert.deepEqual(one.told, [
      'volumes failed ckf-backup of model kubeflow: the backup of volumes of 2026-11-27T03:00:00Z and 1 after it, until 2026-11-28T03:00:00Z, was not made (missed). It could not be begun. See: juju run ckf-backup/leader show-session session=20261127t030000z',
    ]);
    assert.deepEqual(await readSession(one.store, one.layout, '20261127t030000z'), {
      ...{ id: '20261127t030000z', kind: 'backup', phase: 'Missed', volumes: [] },
      ...{ started: '2026-11-27T03:00:00Z', finished: '2026-11-29T12:00:00Z' },
      ...{ slot: '2026-11-27T03:00:00Z', slots: { count: 2, last: '2026-11-28T03:00:00Z' } },
      reason: 'It could not be begun.',
    });
  });

  it('do not ask S3 when there is nothing to tell', async () => {
    const one = rig();
    one.isAway = true;
    const slot = new Date('2026-11-27T03:00:00Z');
    const ended = { slot, attempt: 1, task: '7', state: 'succeeded' } as const;
    const decision = decisionWith({ ended: [ended] });
    assert.deepEqual(await recordVolumeDecision(one.world, decision, []), []);
    assert.deepEqual(await one.journal.runCounts(), { 'volumes/succeeded': 1 });
  });

  it('have a session too when their run died before it could write one, and only then', async () => {
    const one = rig();
    const of = (day: string) => new Date(`2026-11-${day}T03:00:00Z`);
    const ended = (['vanished', 'skipped', 'cancelled'] as const).map((state, index) => ({
      ...{ slot: of(String(26 + index)), attempt: 1, task: String(7 + index), state },
    }));
    await writeSession(one.store, one.layout, {
      ...{ ...aSession, id: '20261128t030007z', phase: 'Failed' },
      slot: '2026-11-28T03:00:00Z',
    });
    one.isAway = true;
    const unsent = await recordVolumeDecision(one.world, decisionWith({ ended }), []);
    one.isAway = false;
    assert.deepEqual(await recordVolumeDecision(one.world, decisionWith({}), unsent), []);
    const listed = await listVolumeSessions(one.world, { limit: 9, before: '', format: 'json' });
    assert.deepEqual(
      (JSON.parse(String(listed['sessions'])) as SessionRecord[]).map(
        ({ id, phase, reason = '' }) => `${id} ${phase} ${reason}`,
      ),
      [
        '20261128t030007z Failed ',
        '20261127t030000z Skipped Another session of volumes was at work.',
        '20261126t030000z Failed Its task vanished. See juju show-task 7.',
      ],
    );
    assert.deepEqual(
      one.told.map((text) => text.replace(/ckf-backup of .* volumes of /, '').split('. ')[0]),
      [
        'volumes skipped 2026-11-27T03:00:00Z was not made (skipped)',
        'volumes failed 2026-11-26T03:00:00Z failed',
      ],
    );
    const counts = { 'volumes/failed': 1, 'volumes/skipped': 1, 'volumes/cancelled': 1 };
    assert.deepEqual(await one.journal.runCounts(), counts);
    const again = ended.map((run) => ({ ...run, retryAt: now }));
    await recordVolumeDecision(one.world, decisionWith({ ended: again }), []);
    assert.deepEqual(await one.journal.runCounts(), counts);
  });

  it('never replace a session that ran, should it have begun in that second', async () => {
    const one = rig();
    const id = '20261127t030000z';
    await writeSession(one.store, one.layout, { ...aSession, id, phase: 'Succeeded' });
    await recordVolumeDecision(one.world, decisionWith({ unused: [missed] }), []);
    assert.equal((await readSession(one.store, one.layout, id))?.phase, 'Succeeded');
  });

  it('hide no session before them that was killed', async () => {
    const one = rig();
    await writeSession(one.store, one.layout, aSession);
    await recordVolumeDecision(one.world, decisionWith({ unused: [missed] }), []);
    await settleNewest(one.target, one.layout, one.world.clock);
    assert.notEqual((await readSession(one.store, one.layout, aSession.id))?.phase, 'Running');
  });

  it('are listed with the sessions that ran, page by page', async () => {
    const one = rig();
    await writeSession(one.store, one.layout, aSession);
    await recordVolumeDecision(one.world, decisionWith({ unused: [missed] }), []);
    const first = await listVolumeSessions(one.world, { limit: 1, before: '', format: 'table' });
    assert.match(
      String(first['sessions']),
      /^20261127t030000z +backup +Missed +schedule .* 2 slots +- +It could not be begun\.$/m,
    );
    assert.equal(first['next'], '20261127t030000z');
    const second = await listVolumeSessions(one.world, {
      ...{ limit: 1, before: first['next'], format: 'json' },
    });
    assert.equal((JSON.parse(String(second['sessions'])) as SessionRecord[])[0]?.id, aSession.id);
    assert.equal(second['next'], undefined);
    await assert.rejects(listVolumeSessions(one.world, { before: '2026-11-27' }), {
      code: 'parameter-invalid',
    });
  });
});
