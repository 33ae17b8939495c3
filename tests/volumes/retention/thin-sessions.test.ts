import assert from 'node:assert/strict';
import { layoutOf } from '../../../src/repository/layout.ts';
import { backUpVolumes } from '../../../src/volumes/back-up-volumes.ts';
import { sessionIdAt } from '../../../src/volumes/records/names.ts';
import {
  type SessionRecord,
  sessionIds,
  writeSession,
} from '../../../src/volumes/records/session-record.ts';
import { thinSessions } from '../../../src/volumes/retention/thin-sessions.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { aVolumeWorld, volumesConfig } from '../../rigs/volume-world.ts';

const layout = layoutOf('ckf');
const night = (days: number): string =>
  sessionIdAt(new Date(Date.parse('2024-01-01T03:00:00Z') + days * 86_400_000));

const aRecord = (days: number, changes: Partial<SessionRecord> = {}): SessionRecord => ({
  ...{ id: night(days), kind: 'backup', phase: 'Failed', volumes: [] },
  ...{ started: '2024-01-01T03:00:00Z', finished: '2024-01-01T03:10:00Z' },
  ...changes,
});

const aVolume = {
  ...{ namespace: 'alice', claim: 'home', size: '5Gi', accessModes: [] },
  ...({ phase: 'Succeeded', repository: 'alice', snapshot: 'a'.repeat(64) } as const),
};

/** Two years of nights with these as the first. */
const years = async (first: readonly Partial<SessionRecord>[]): Promise<FakeObjectStore> => {
  const store = new FakeObjectStore({ description: 'bucket backups at http://s3.test' });
  for (let days = 0; days < 700; days += 1) {
    await writeSession(store, layout, aRecord(days, first[days] ?? {}));
    store.seed(layout.volumeSessionLog(night(days)), 'what it said');
  }
  return store;
};

describe('the records of sessions of volumes', () => {
  it('are the newest 200 after years, and those of sessions that have a backup', async () => {
    const removed = '2024-02-01T03:00:00Z';
    const store = await years([
      { volumes: [aVolume] },
      { volumes: [{ ...aVolume, removed, forgotten: true }] },
      { volumes: [{ ...aVolume, removed }] },
      { volumes: [{ ...aVolume, removed, forgotten: true }, aVolume] },
      { kind: 'restore', volumes: [aVolume] },
      { phase: 'Running' },
      { phase: 'Missed', slots: { count: 3, last: '2024-01-09T03:00:00Z' } },
    ]);
    store.seed(layout.volumeSession(night(7)), '{');
    await thinSessions(store, layout);
    const ids = await sessionIds(store, layout);
    assert.equal(ids.length, 205);
    assert.deepEqual(ids.slice(200), [7, 5, 3, 2, 0].map(night));
    const logs = store.bucket
      .after(layout.volumeSessions, '')
      .filter(({ key }) => key.endsWith('.log'));
    assert.equal(logs.length, 205);
    await thinSessions(store, layout);
    assert.equal((await sessionIds(store, layout)).length, 205);
  });

  it('are thinned by a session that has made a backup', async () => {
    using rig = aVolumeWorld();
    rig.addProfile('alice');
    rig.addVolume('alice/home', { 'thesis.md': 'words' });
    for (let days = 0; days < 210; days += 1) await writeSession(rig.store, layout, aRecord(days));
    await backUpVolumes(rig.whole, volumesConfig().volumes, { kind: 'all' });
    assert.equal((await sessionIds(rig.store, layout)).length, 200);
  });
});
