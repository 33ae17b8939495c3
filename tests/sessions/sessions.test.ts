import assert from 'node:assert/strict';
import { CharmError, hasCode } from '../../src/errors.ts';
import { recordRun } from '../../src/sessions/record-run.ts';
import { deliverSessions } from '../../src/sessions/deliver.ts';
import {
  type Session,
  isSessionId,
  parseSession,
  sessionText,
} from '../../src/sessions/session.ts';
import {
  forgetOldSessions,
  listSessions,
  mostSessions,
  readSession,
  storeSession,
} from '../../src/sessions/stored-sessions.ts';
import { backupIdAt } from '../../src/repository/layout.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeJournal } from '../fakes/journal.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { FakeProgress } from '../fakes/progress.ts';
import { aManifest } from '../rigs/manifest.ts';
import { targetIn } from '../rigs/target.ts';
import type { World } from '../../src/world.ts';

const slot = new Date('2026-11-25T02:00:00Z');

const setUp = () => {
  const store = new FakeObjectStore({ description: 'bucket backups at http://s3.test' });
  const journal = new FakeJournal();
  const progress = new FakeProgress();
  const rig = { store, journal, progress, away: undefined as CharmError | undefined };
  const world = {
    ...{ journal, progress, unit: 'ckf-backup/0', task: '7' },
    clock: new FakeClock('2026-11-25T02:00:03Z'),
    openTarget: async () => {
      if (rig.away) throw rig.away;
      return targetIn(store);
    },
  } as Partial<World> as World;
  return Object.assign(rig, {
    world,
    stored: async () => (await listSessions(targetIn(store), { limit: 500 })).sessions,
  });
};

const record = (id: string): Session => ({
  ...{ format: 1, id, trigger: 'schedule', phase: 'Missed', unit: 'ckf-backup/0' },
  started: id,
});

describe('a run', () => {
  it('leaves a record of its success, with what it said', async () => {
    const rig = setUp();
    const manifest = aManifest({ id: backupIdAt(new Date('2026-11-25T02:00:05Z')) });
    await recordRun(rig.world, { slot, attempt: 2 }, async ({ progress }) => {
      assert.equal((await rig.stored())[0]?.phase, 'Running');
      await progress.step('Checking');
      await progress.note('a detail');
      return { manifest };
    });
    const [session] = await rig.stored();
    assert.partialDeepStrictEqual(session, {
      ...{ id: '2026-11-25T02:00:00Z', trigger: 'schedule', phase: 'Succeeded', attempt: 2 },
      ...{ task: '7', set: manifest.id, started: '2026-11-25T02:00:03Z' },
    });
    const { log } = await readSession(targetIn(rig.store), '2026-11-25T02:00:00Z');
    assert.match(log ?? '', /^2026-11-25T02:00:03Z Checking\n2026-11-25T02:00:03Z a detail\n$/);
    assert.deepEqual(await rig.journal.sessions(), []);
  });

  it('leaves a record of its failure, and fails as it did', async () => {
    const rig = setUp();
    await assert.rejects(
      recordRun(rig.world, { slot: undefined, attempt: 1 }, async () => {
        throw new CharmError('store-denied', 'No.');
      }),
      (error) => hasCode(error, 'store-denied'),
    );
    assert.partialDeepStrictEqual((await rig.stored())[0], {
      ...{ id: '2026-11-25T02:00:03Z-7', trigger: 'operator', phase: 'Failed' },
      ...{ code: 'store-denied', reason: 'No.' },
    });
  });

  it('is skipped and not failed when the schedule finds Kubeflow busy', async () => {
    const rig = setUp();
    const busy = async () => {
      throw new CharmError('workloads-running', 'Busy.');
    };
    await assert.rejects(recordRun(rig.world, { slot, attempt: 1 }, busy));
    await assert.rejects(recordRun(rig.world, { slot: undefined, attempt: 1 }, busy));
    assert.deepEqual(
      (await rig.stored()).map(({ phase }) => phase),
      ['Failed', 'Skipped'],
    );
  });

  it('keeps its record in the journal while S3 is away, from where the next hook sends it', async () => {
    const rig = setUp();
    rig.away = new CharmError('store-unreachable', 'Away.');
    const manifest = aManifest({ id: backupIdAt(new Date('2026-11-25T02:00:05Z')) });
    await recordRun(rig.world, { slot, attempt: 1 }, async ({ progress }) => {
      await progress.note('said');
      return { manifest };
    });
    assert.equal((await rig.journal.sessions()).length, 1);
    assert.ok(rig.progress.notes.some((note) => /sent later: Away/.test(note)));
    assert.ok(hasCode(await deliverSessions(rig.world), 'store-unreachable'));
    rig.away = undefined;
    assert.equal(await deliverSessions(rig.world), undefined);
    assert.equal((await rig.stored())[0]?.phase, 'Succeeded');
    assert.match(
      (await readSession(targetIn(rig.store), '2026-11-25T02:00:00Z')).log ?? '',
      /said/,
    );
    assert.deepEqual(await rig.journal.sessions(), []);
  });

  it('is settled as failed by the next hook when it was killed', async () => {
    const rig = setUp();
    await rig.journal.keepSession(
      '2026-11-25T02:00:00Z',
      sessionText({ ...record('2026-11-25T02:00:00Z'), phase: 'Running' }),
    );
    await deliverSessions(rig.world);
    assert.partialDeepStrictEqual((await rig.stored())[0], {
      phase: 'Failed',
      code: 'interrupted',
    });
  });

  it('runs all the same when nothing can be recorded', async () => {
    const rig = setUp();
    rig.away = new CharmError('store-unreachable', 'Away.');
    rig.journal.failure = new CharmError('disk-full', 'Full.');
    const manifest = aManifest({ id: backupIdAt(new Date('2026-11-25T02:00:05Z')) });
    const result = await recordRun(rig.world, { slot, attempt: 1 }, async () => ({ manifest }));
    assert.equal(result.manifest, manifest);
  });
});

describe('the records of runs', () => {
  it('are listed newest first, page by page, without those that cannot be read', async () => {
    const { store, stored } = setUp();
    const target = targetIn(store);
    const ids = ['2026-11-23T02:00:00Z', '2026-11-24T02:00:00Z', '2026-11-25T02:00:00Z'];
    for (const id of ids) await storeSession(target, record(id), undefined);
    store.seed('ckf/runs/2026-11-26T02:00:00Z.json', '{"format":2}');
    store.seed('ckf/runs/x.json', '{}');
    assert.deepEqual(
      (await stored()).map(({ id }) => id),
      ids.toReversed(),
    );
    const page = await listSessions(target, { limit: 1, before: '2026-11-25T02:00:00Z' });
    assert.deepEqual([page.sessions[0]?.id, page.next], [ids[1], ids[1]]);
  });

  it('are 200 at most, the newest, with their logs', async () => {
    const { store } = setUp();
    const target = targetIn(store);
    for (let day = 0; day < mostSessions + 3; day++) {
      const id = `${new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 19)}Z`;
      await storeSession(target, record(id), 'log');
    }
    await forgetOldSessions(target);
    const keys: string[] = [];
    for await (const { key } of store.list('ckf/runs/')) keys.push(key);
    assert.equal(keys.length, 2 * mostSessions);
    assert.equal(keys.sort()[0], 'ckf/runs/2026-01-04T00:00:00Z.json');
  });

  it('are parsed or refused', () => {
    const session = record('2026-11-25T02:00:00Z');
    assert.deepEqual(parseSession(sessionText(session)), session);
    for (const text of ['', '{}', 'null', '[]', sessionText({ ...session, id: '../x' })])
      assert.equal(parseSession(text), undefined);
    assert.ok(isSessionId('2026-11-25T02:00:00Z-7'));
    assert.ok(!isSessionId('2026-13-45T02:00:00Z'));
  });
});
