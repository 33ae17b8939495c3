import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import { layoutOf, type BackupId } from '../../src/repository/layout.ts';
import { reserveId } from '../../src/repository/reserve-id.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { intercept } from '../rigs/intercept.ts';

const layout = layoutOf('ckf');
const time = new Date('2026-11-21T20:15:00.700Z');
const id = '2026-11-21T20:15:00Z' as BackupId;

describe('reserveId', () => {
  it('takes the second in which the backup begins, and leaves a mark', async () => {
    const store = new FakeObjectStore();
    assert.deepEqual(await reserveId(store, layout, time), {
      id,
      mark: `ckf/sets/${id}/started.json`,
    });
    assert.ok(store.objects.has(layout.started(id)));
  });

  for (const [what, key] of Object.entries({
    'a complete set': layout.manifest(id),
    'a backup that began': layout.started(id),
    'an object list without a set': layout.objectList(id, 'mlpipeline'),
    'a dump': layout.mlmdDump(id),
  }))
    it(`takes the next second when this one has ${what}, as after a clock was set back`, async () => {
      const store = new FakeObjectStore();
      store.seed(key, 'as it was');
      assert.equal((await reserveId(store, layout, time)).id, '2026-11-21T20:15:01Z');
      assert.equal(store.bucket.get(key).bytes.toString(), 'as it was');
    });

  it('takes the next second when somebody was quicker at the same moment', async () => {
    const store = new FakeObjectStore();
    const putBack = intercept(store, 'put', (put) => async (...argv: Parameters<typeof put>) => {
      putBack();
      store.seed(layout.started(id), 'theirs');
      return put(...argv);
    });
    assert.equal((await reserveId(store, layout, time)).id, '2026-11-21T20:15:01Z');
    assert.equal(store.bucket.get(layout.started(id)).bytes.toString(), 'theirs');
  });

  it('knows its own mark again when the reply was lost and the request was sent twice', async () => {
    const store = new FakeObjectStore();
    intercept(store, 'put', (put) => async (...argv: Parameters<typeof put>) => {
      await put(...argv);
      throw new CharmError('object-exists', 'It is there.');
    });
    assert.equal((await reserveId(store, layout, time)).id, id);
  });

  it('says so when no second is free', async () => {
    const store = new FakeObjectStore();
    for (let second = 0; second < 300; second += 1)
      store.seed(
        layout.started(
          `${new Date(Date.parse(id) + second * 1000).toISOString().slice(0, 19)}Z` as BackupId,
        ),
        '',
      );
    await rejectsWithCode(reserveId(store, layout, time), 'object-exists');
  });
});
