import assert from 'node:assert/strict';
import {
  backupIdAt,
  bucketOfObjectList,
  isBackupId,
  isOwnObject,
  layoutOf,
} from '../../src/repository/layout.ts';

describe('layout', () => {
  const layout = layoutOf('ckf');
  const id = backupIdAt(new Date('2026-11-21T20:15:00.999Z'));

  it('puts each object where the documentation says', () => {
    assert.equal(layout.claim, 'ckf/ckf-backup.json');
    assert.equal(layout.mlmdDump(id), 'ckf/mlmd/mlmd-2026-11-21-20-15-00.dump.gz');
    assert.equal(layout.mirror('mlpipeline'), 'ckf/mlpipeline/');
    assert.equal(layout.history('mlpipeline'), 'ckf/history/mlpipeline/');
    assert.equal(
      layout.objectList(id, 'mlpipeline'),
      'ckf/sets/2026-11-21T20:15:00Z/mlpipeline.ndjson.gz',
    );
    assert.equal(layout.manifest(id), 'ckf/sets/2026-11-21T20:15:00Z/manifest.json');
  });

  it('tells a list of a bucket from what else lies in the folder of a set, whatever the bucket is called', () => {
    const bucketOf = (key: string) => bucketOfObjectList(layout, id, key);
    for (const bucket of ['mlpipeline', 'mlpipeline.lost', 'lost'])
      assert.equal(bucketOf(layout.objectList(id, bucket)), bucket);
    const others = [
      layout.manifest(id),
      layout.started(id),
      layout.removed(id),
      layout.failedObjects(id),
      layout.proofs(id),
      layout.lostObjects(id, 'mlpipeline'),
    ];
    for (const key of others) {
      assert.equal(bucketOf(key), undefined, key);
      assert.ok(isOwnObject(layout, id, key), key);
    }
    assert.equal(isOwnObject(layout, id, `${layout.set(id)}somebody/else.ndjson.gz`), false);
  });

  it('moves the path of a database on with each generation', () => {
    assert.equal(layout.databasePath('kfp-db', 1), 'ckf/kfp-db');
    assert.equal(layout.databasePath('kfp-db', 3), 'ckf/kfp-db-3');
  });
});

describe('backup id', () => {
  it('sorts by time, whatever the order of the clock readings', () => {
    const times = ['2026-12-01T00:00:00Z', '2026-11-21T20:15:00Z', '2025-01-31T23:59:59Z'];
    const ids = times.map((time) => backupIdAt(new Date(time)));
    assert.deepEqual(ids.toSorted(), times.toSorted());
  });

  it('is nothing but a time in UTC to the second', () => {
    for (const text of ['2026-11-21', '2026-11-21T20:15:00', '2026-13-01T00:00:00Z', '../manifest'])
      assert.equal(isBackupId(text), false, text);
  });
});
