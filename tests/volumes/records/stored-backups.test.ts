import assert from 'node:assert/strict';
import { layoutOf } from '../../../src/repository/layout.ts';
import { writeSession } from '../../../src/volumes/records/session-record.ts';
import { type WantedBackup, findBackup } from '../../../src/volumes/records/stored-backups.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { targetIn } from '../../rigs/target.ts';

const volume = { namespace: 'alice', claim: 'home' };

/** Two nights of alice/home, from 03:00 to 03:20. */
const twoNights = async () => {
  const store = new FakeObjectStore({ description: 'bucket backups at http://s3.test' });
  const target = targetIn(store);
  const layout = layoutOf(target.prefix);
  for (const day of ['20', '21'])
    await writeSession(store, layout, {
      ...{ id: `202611${day}t030000z`, kind: 'backup', phase: 'Succeeded' },
      ...{ started: `2026-11-${day}T03:00:00.000Z`, finished: `2026-11-${day}T03:20:00.000Z` },
      volumes: [
        {
          ...{ ...volume, phase: 'Succeeded', size: '5Gi', accessModes: ['ReadWriteOnce'] },
          ...{ repository: 'alice', snapshot: day.repeat(32) },
        },
      ],
    });
  return async (wanted: WantedBackup): Promise<string> =>
    (await findBackup(target, layout, volume, wanted)).session;
};

const asOf = (time: string): WantedBackup => ({ kind: 'as-of', time: new Date(time) });

describe('the backup of a volume as of a time', () => {
  it('is the newest that had ended by then', async () => {
    const find = await twoNights();
    assert.equal(await find({ kind: 'latest' }), '20261121t030000z');
    assert.equal(await find(asOf('2030-01-01T00:00:00Z')), '20261121t030000z');
    assert.equal(await find(asOf('2026-11-21T03:20:00Z')), '20261121t030000z');
  });

  it('is not one that was still reading files then', async () => {
    const find = await twoNights();
    assert.equal(await find(asOf('2026-11-21T03:19:59Z')), '20261120t030000z');
    assert.equal(await find(asOf('2026-11-20T04:20:00+01:00')), '20261120t030000z');
  });

  it('is refused when there is none, with the oldest that there is', async () => {
    const find = await twoNights();
    await assert.rejects(find(asOf('2026-11-20T03:00:00Z')), {
      code: 'volume-backup-missing',
      message:
        /ended by 2026-11-20T03:00:00Z \(the oldest is 20261120t030000z, ended 2026-11-20T03:20:00Z\)/,
    });
    await assert.rejects(find({ kind: 'session', id: '20261119t030000z' }), {
      code: 'volume-backup-missing',
    });
  });
});
