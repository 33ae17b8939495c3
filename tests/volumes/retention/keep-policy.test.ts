import assert from 'node:assert/strict';
import { layoutOf } from '../../../src/repository/layout.ts';
import {
  backupsToRemove,
  protectedBackups,
  wrongClock,
} from '../../../src/volumes/retention/keep-policy.ts';
import { isRepositoryOf, surveyBackups } from '../../../src/volumes/records/survey-backups.ts';
import type { Phase } from '../../../src/volumes/records/session-record.ts';
import type { StoredBackup } from '../../../src/volumes/records/stored-backups.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';

const none = { last: 0, daily: 0, weekly: 0, monthly: 0 };

const aBackup = (
  session: string,
  { claim = 'data', phase = 'Succeeded' }: { readonly claim?: string; readonly phase?: Phase } = {},
): StoredBackup => ({
  session,
  started: '2001-01-01T00:00:00Z',
  finished: '2001-01-01T00:01:00Z',
  volume: {
    ...{ namespace: 'bob', claim, phase, size: '1Gi', accessModes: [] },
    ...{ repository: 'bob', snapshot: 'a'.repeat(64) },
  },
});

const removed = (backups: readonly StoredBackup[], keep: Partial<typeof none>) =>
  backupsToRemove(backups, { ...none, ...keep }).map(({ session }) => session);

describe('the backups of a volume that are kept', () => {
  const days = ['20261121', '20261120', '20261119', '20261118'].map((day) => `${day}t030000z`);

  it('are counted for each volume on its own, by the ids of sessions', () => {
    const backups = days.flatMap((day) => [aBackup(day), aBackup(day, { claim: 'other' })]);
    assert.deepEqual(removed(backups, { last: 2 }), [days[2], days[3], days[2], days[3]]);
    assert.deepEqual(
      removed([aBackup('20261121t040000z'), ...days.map((day) => aBackup(day))], { daily: 4 }),
      [days[0]],
    );
    assert.deepEqual(removed(backups, {}), []);
  });

  it('have the newest one and the newest complete one among them', () => {
    const backups = days.map((day, index) =>
      aBackup(day, { phase: index < 3 ? 'PartiallyFailed' : 'Succeeded' }),
    );
    assert.deepEqual(removed(backups, { last: 1 }), [days[1], days[2]]);
    assert.deepEqual(
      [...protectedBackups(backups)].map(({ session }) => session),
      [days[0], days[3]],
    );
  });

  it('do not depend on the clocks of others', () => {
    const now = new Date('2026-11-21T03:10:00Z');
    assert.equal(wrongClock(days[0], now, now), undefined);
    assert.match(String(wrongClock('20261121t040000z', now, now)?.message), /later than now/);
    const written = new Date('2026-11-21T04:10:00Z');
    assert.match(String(wrongClock(days[0], now, written)?.message), /1h0m behind/);
    assert.equal(wrongClock(undefined, now, undefined), undefined);
  });
});

describe('the survey of backups', () => {
  const survey = async (volume: Readonly<Record<string, unknown>>, kind = 'backup') => {
    const store = new FakeObjectStore();
    const layout = layoutOf('ckf');
    const id = '20261121t030000z';
    const record = { id, kind, started: '2026-11-21T03:00:00Z', phase: 'Succeeded' };
    await store.put(
      layout.volumeSession(id),
      JSON.stringify({
        ...record,
        volumes: [{ ...aBackup(id).volume, ...volume }],
      }),
    );
    const { repositories, newest } = await surveyBackups(store, layout);
    assert.equal(newest, id);
    const [found] = repositories.values();
    return [found?.backups.length ?? 0, found?.unforgotten.length ?? 0];
  };

  it('knows what is removed and not yet forgotten', async () => {
    assert.deepEqual(await survey({}), [1, 0]);
    assert.deepEqual(await survey({ removed: '2026-11-22T03:00:00Z' }), [0, 1]);
    assert.deepEqual(await survey({ removed: '2026-11-22T03:00:00Z', forgotten: true }), [0, 0]);
    assert.deepEqual(await survey({}, 'restore'), [0, 0]);
  });

  it('leaves out names that the charm would not give', async () => {
    assert.deepEqual(await survey({ snapshot: '--all' }), [0, 0]);
    assert.deepEqual(await survey({ repository: 'alice' }), [0, 0]);
    assert.deepEqual(await survey({ namespace: '..', repository: '..' }), [0, 0]);
    assert.ok(isRepositoryOf('bob', 'bob-2'));
    for (const name of ['bob-1', 'bob-x', 'bob/', 'bob-2.5', 'bobby', 'bob-02'])
      assert.ok(!isRepositoryOf('bob', name), name);
  });
});
