import assert from 'node:assert/strict';
import { CharmError, hasCode } from '../../src/errors.ts';
import { recordRun } from '../../src/sessions/record-run.ts';
import { deliverSessions } from '../../src/sessions/deliver.ts';
import { isSessionId, parseSession, sessionText } from '../../src/sessions/session.ts';
import {
  forgetOldSessions,
  listSessions,
  mostSessions,
  readSession,
  storeSession,
} from '../../src/sessions/stored-sessions.ts';
import { backupIdAt } from '../../src/repository/layout.ts';
import { aManifest } from '../rigs/manifest.ts';
import { recordOf as record, sessionRig, slot } from '../rigs/sessions.ts';
import { targetIn } from '../rigs/target.ts';

describe('a run', () => {
  it('leaves a record of its success, with what it said', async () => {
    const rig = sessionRig();
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
      slot: '2026-11-25T02:00:00Z',
    });
    assert.deepEqual(session?.components?.at(-1), {
      ...{ name: 'mlpipeline', seconds: 1.25, size: 300, objects: 3 },
      ...{ copied: 3, bytesCopied: 300 },
    });
    const { log } = await readSession(targetIn(rig.store), '2026-11-25T02:00:00Z');
    assert.match(
      log ?? '',
      /^2026-11-25T02:00:03Z Task 7, attempt 2\n2026-11-25T02:00:03Z Checking\n2026-11-25T02:00:03Z a detail\n$/,
    );
    assert.deepEqual(await rig.journal.sessions(), []);
  });

  it('leaves a record of its failure, and fails as it did', async () => {
    const rig = sessionRig();
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
    const rig = sessionRig();
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
    const rig = sessionRig();
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

  it('runs all the same when nothing can be recorded', async () => {
    const rig = sessionRig();
    rig.away = new CharmError('store-unreachable', 'Away.');
    rig.journal.failure = new CharmError('disk-full', 'Full.');
    const manifest = aManifest({ id: backupIdAt(new Date('2026-11-25T02:00:05Z')) });
    const result = await recordRun(rig.world, { slot, attempt: 1 }, async () => ({ manifest }));
    assert.equal(result.manifest, manifest);
  });
});

describe('the records of runs', () => {
  it('are listed newest first, page by page, without those that cannot be read', async () => {
    const { store, stored } = sessionRig();
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
    const { store } = sessionRig();
    const target = targetIn(store);
    for (let day = 0; day < mostSessions + 3; day++) {
      const id = `${new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 19)}Z`;
      await storeSession(target, record(id), 'log');
    }
    await forgetOldSessions(target);
    const keys: string[] = [];
    for await (const { key } of store.list('ckf/runs/')) keys.push(key);
    assert.equal(keys.length, 3 * mostSessions);
    assert.equal(keys.sort()[0], 'ckf/runs/2026-01-04T00:00:00Z.html');
  });

  it('of runs that made a set are kept for ever, with their logs', async () => {
    const { store, stored } = sessionRig();
    const target = targetIn(store);
    const ids = Array.from(
      { length: mostSessions + 5 },
      (_, day) => `${new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 19)}Z`,
    );
    for (const [day, id] of ids.entries())
      await storeSession(
        target,
        day === 1 ? { ...record(id), phase: 'Succeeded', set: '2026-01-02T00:00:07Z' } : record(id),
        'log',
      );
    await forgetOldSessions(target);
    await forgetOldSessions(target);
    const left = (await stored()).map(({ id }) => id);
    assert.deepEqual(left, [...ids.slice(5).toReversed(), ids[1]]);
    assert.equal((await readSession(target, ids[1] ?? '')).log, 'log');
  });

  it('are parsed or refused', () => {
    const session = record('2026-11-25T02:00:00Z');
    assert.deepEqual(parseSession(sessionText(session)), session);
    const earlier = [
      { phase: 'Failed', started: session.started, unit: 'a/0', task: '3' },
    ] as const;
    assert.deepEqual(parseSession(sessionText({ ...session, earlier })), { ...session, earlier });
    assert.equal(parseSession(JSON.stringify({ ...session, earlier: [{}] })), undefined);
    const wrong = [{ id: '../x' }, { started: 'yesterday' }, { finished: 'soon' }];
    const texts = wrong.map((fields) => sessionText({ ...session, ...fields }));
    for (const text of ['', '{}', 'null', '[]', ...texts])
      assert.equal(parseSession(text), undefined);
    assert.ok(isSessionId('2026-11-25T02:00:00Z-7'));
    assert.ok(!isSessionId('2026-13-45T02:00:00Z'));
  });
});
