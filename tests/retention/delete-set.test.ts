import assert from 'node:assert/strict';
import type { BackupId } from '../../src/repository/layout.ts';
import { takeLock } from '../../src/repository/lock.ts';
import { CharmError } from '../../src/errors.ts';
import { deleteSet } from '../../src/retention/prune.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { createVault, layout, seedDatabase, type Vault } from '../rigs/vault.ts';
import { md5Of } from '../../src/ports/etags.ts';
import { intercept } from '../rigs/intercept.ts';

const mirror = layout.mirror('mlpipeline');
const history = layout.history('mlpipeline');

describe('deleteSet', () => {
  let vault: Vault;
  let old: BackupId;
  let middle: BackupId;
  let newest: BackupId;

  beforeEach(async () => {
    vault = await createVault();
    const { source } = vault;
    source.seed('always', 'the same');
    source.seed('replaced', 'first');
    source.seed('only in the old set', 'gone later');
    old = await vault.backUp();
    source.bucket.remove('only in the old set');
    source.seed('replaced', 'second');
    source.seed('only in the middle set', 'short-lived');
    middle = await vault.backUp();
    source.bucket.remove('only in the middle set');
    source.seed('replaced', 'third');
    newest = await vault.backUp();
  });
  afterEach(() => vault[Symbol.asyncDispose]());

  const remove = (id: BackupId, dryRun = false) =>
    deleteSet(vault.world, vault.target, id, { dryRun });
  const keys = (): string[] => [...vault.store.objects.keys()];
  const keysOf = (id: BackupId): string[] => keys().filter((key) => key.includes(id.slice(0, 13)));

  it('removes the set and what no other one needs, and nothing else', async () => {
    const before = keys();
    const report = await remove(middle);
    assert.deepEqual(report.removed, [middle]);
    const dump = layout.mlmdDump(middle);
    const second = md5Of(Buffer.from('second'));
    const database = ['kfp-db', 'katib-db'].flatMap((name) =>
      [
        '.backup.log',
        '.md5',
        '.metadata',
        '/ibdata1.00000000000000000000',
        '/ibdata1.00000000000000000001',
      ].map((end) => `ckf/${name}/${middle}${end}`),
    );
    const gone = [
      ...database,
      dump,
      `${layout.set(middle)}manifest.json`,
      `${layout.set(middle)}mlpipeline.ndjson.gz`,
      `${mirror}only in the middle set`,
      `${history}replaced/${second}`,
    ];
    assert.deepEqual(
      before.filter((key) => !keys().includes(key)),
      gone.toSorted((a, b) => before.indexOf(a) - before.indexOf(b)),
    );
    assert.equal(report.objects, gone.length);
    await vault.restored(old);
    await vault.restored(newest);
  });

  it('tells in a dry run what it would do, and changes nothing', async () => {
    const before = vault.store.objects;
    const dry = await remove(middle, true);
    assert.deepEqual(vault.store.objects, before);
    assert.deepEqual(await remove(middle), dry);
  });

  it('counts the bytes that are there no more', async () => {
    const total = () =>
      [...vault.store.objects.values()]
        .filter(({ key }) => key !== layout.judged)
        .reduce((sum, { size }) => sum + size, 0);
    const before = total();
    const { bytes } = await remove(old);
    assert.equal(before - total(), bytes);
  });

  it('keeps the identity and the binary logs of the databases', async () => {
    await remove(old);
    await remove(middle);
    for (const name of ['kfp-db', 'katib-db']) {
      assert.ok(vault.store.bucket.find(`ckf/${name}/group_replication_id.txt`));
      assert.ok(vault.store.bucket.find(`ckf/${name}/binlogs/binlog.000001`));
    }
  });

  it('keeps a database backup that another set names too', async () => {
    const { databases } = vault.manifest(middle);
    vault.store.seed(
      layout.manifest(newest),
      JSON.stringify({ ...vault.manifest(newest), databases }),
    );
    await remove(middle);
    assert.ok(vault.store.bucket.find(`ckf/kfp-db/${middle}.md5`));
  });

  it('removes the copies of a database backup that a restore made under later paths', async () => {
    vault.store.seed(
      layout.claim,
      JSON.stringify({ format: 1, model: vault.world.model, generations: { 'kfp-db': 3 } }),
    );
    seedDatabase(vault.store, 'kfp-db', middle, 3);
    await remove(middle);
    assert.deepEqual(
      keys().filter((key) => key.startsWith('ckf/kfp-db-3/')),
      ['ckf/kfp-db-3/binlogs/binlog.000001', 'ckf/kfp-db-3/group_replication_id.txt'],
    );
  });

  for (const [what, database] of Object.entries({
    'a path of somebody else': { path: 'elsewhere/kfp-db' },
    'the path of the sets': { path: 'ckf/sets' },
    'the binary logs as an id': { backupId: 'binlogs' },
    'another component': { component: 'mlpipeline', path: 'ckf/mlpipeline' },
  })) {
    it(`deletes no database backup by the word of a manifest that names ${what}`, async () => {
      const [first] = vault.manifest(old).databases;
      seedDatabase(vault.store, 'kfp-db', 'binlogs');
      vault.store.seed('elsewhere/kfp-db/2026-11-01T01:00:00Z.md5', 'mine');
      vault.store.seed(
        layout.manifest(old),
        JSON.stringify({
          ...vault.manifest(old),
          databases: [{ ...first, backupId: old, ...database }],
        }),
      );
      const before = keys().filter((key) => /^ckf\/(kfp|katib)-db|^elsewhere/.test(key));
      await remove(old);
      assert.deepEqual(
        keys().filter((key) => /^ckf\/(kfp|katib)-db|^elsewhere/.test(key)),
        before,
      );
    });
  }

  it('touches nothing that this charm did not write', async () => {
    const foreign = [
      'ckf/notes.txt',
      'ckf/mlmd/mlmd-2026-11-01-02-30-00.dump.gz',
      'ckf/mlmd/by-hand.db',
      'ckf/sets/readme.txt',
      `ckf/sets/${middle}/note-of-the-operator.txt`,
      'ckf/history/readme.txt',
      'ckf/history/mlpipeline/readme',
      'ckf/kfp-db/2026-11-01T02:30:00Z.md5',
      'ckf/kfp-db-2/2026-11-01T02:01:00Z.md5',
      'ckf2/mlpipeline/always',
      'other',
    ];
    for (const key of foreign) vault.store.seed(key, 'not ours');
    await vault.backUp();
    await remove(old);
    await remove(middle);
    await remove(newest);
    for (const key of foreign) assert.ok(vault.store.bucket.find(key), key);
  });

  it('keeps what lay in the mirror before the first set', async () => {
    await using young = await createVault();
    young.store.seed(`${mirror}copied by hand`, 'years ago');
    young.source.seed('a', '1');
    const first = await young.backUp();
    await young.backUp();
    await deleteSet(young.world, young.target, first, { dryRun: false });
    assert.ok(young.store.bucket.find(`${mirror}copied by hand`));
  });

  it('keeps what an interrupted backup copied, until a newer set shows that it is of no use', async () => {
    vault.source.seed('copied by a dead backup', 'x');
    await vault.backUp({ dies: 'while copying' });
    await remove(old);
    assert.ok(vault.store.bucket.find(`${mirror}copied by a dead backup`));
    vault.source.bucket.remove('copied by a dead backup');
    await vault.backUp();
    await remove(middle);
    assert.equal(vault.store.bucket.find(`${mirror}copied by a dead backup`), undefined);
  });

  it('keeps an object of the mirror whose ETag changed, as a move to another server can do', async () => {
    vault.source.bucket.remove('always');
    await vault.backUp();
    vault.store.bucket.store(`${mirror}always`, Buffer.from('the same'), {}, ['0'.repeat(32)]);
    vault.pass(60);
    await vault.backUp();
    await remove(middle);
    assert.ok(vault.store.bucket.find(`${mirror}always`));
  });

  it('never removes the newest set, nor the newest consistent one', async () => {
    const running = await vault.backUp({ consistent: false });
    const before = keys();
    await rejectsWithCode(remove(running), 'backup-protected');
    await rejectsWithCode(remove(newest), 'backup-protected');
    assert.deepEqual(keys(), before);
  });

  it('protects the newest set that has a part, behind newer ones of other parts', async () => {
    for (let index = 0; index < 2; index += 1)
      await vault.backUp({ changes: { components: ['mlmd'], databases: [], buckets: [] } });
    const before = keys();
    const { message } = await rejectsWithCode(remove(newest), 'backup-protected');
    assert.match(message, /kfp-db, katib-db, mlpipeline\/mlpipeline/);
    assert.deepEqual(keys(), before);
    await remove(middle);
    await vault.restored(newest);
  });

  for (const [damage, spoil] of Object.entries({
    'object list is missing': () => {
      vault.store.bucket.remove(layout.objectList(newest, 'mlpipeline'));
    },
    'object list is another one of the same size': () => {
      const key = layout.objectList(newest, 'mlpipeline');
      vault.store.seed(key, vault.store.bucket.get(key).bytes.toReversed());
    },
  })) {
    it(`lets go of the newest set when its ${damage} and others have all of it`, async () => {
      spoil();
      await remove(newest);
      assert.deepEqual(
        keysOf(newest).filter((key) => key.startsWith(layout.set(newest))),
        [],
      );
      await vault.restored(old);
      await vault.restored(middle);
    });

    it(`protects a set whose ${damage} as the last one with an intact part`, async () => {
      spoil();
      for (const id of [old, middle])
        for (const name of ['kfp-db', 'katib-db'])
          vault.store.seed(
            layout.manifest(id),
            JSON.stringify({
              ...vault.manifest(id),
              databases: vault.manifest(id).databases.filter(({ component }) => component !== name),
            }),
          );
      const { message } = await rejectsWithCode(remove(newest), 'backup-protected');
      assert.match(message, /the only backup of kfp-db, katib-db/);
    });
  }

  it('lets go of the only set when nothing of it can be restored', async () => {
    await using single = await createVault();
    single.source.seed('a', '1');
    const only = await single.backUp({ changes: { components: ['mlpipeline'], databases: [] } });
    single.store.seed(
      layout.manifest(only),
      JSON.stringify({ ...single.manifest(only), mlmd: undefined }),
    );
    await rejectsWithCode(
      deleteSet(single.world, single.target, only, { dryRun: false }),
      'backup-protected',
    );
    single.store.bucket.remove(layout.objectList(only, 'mlpipeline'));
    await deleteSet(single.world, single.target, only, { dryRun: false });
    assert.equal(single.store.bucket.find(layout.manifest(only)), undefined);
    assert.ok(single.store.bucket.find(`${mirror}a`), 'the next backup takes it up');
  });

  it('lets go of a set that a clock made which was ahead, when others have all of it', async () => {
    vault.pass(86_400);
    const future = await vault.backUp();
    vault.pass(-86_400);
    await remove(future);
    await vault.restored(newest);
  });

  it('does not know a set that is not there', async () => {
    await rejectsWithCode(remove('2020-01-01T00:00:00Z' as BackupId), 'backup-missing');
  });

  for (const [damage, spoil] of Object.entries({
    'manifest is cut short': () => vault.store.seed(layout.manifest(old), '{"format": 1'),
    'manifest is of a later format': () =>
      vault.store.seed(layout.manifest(old), JSON.stringify({ ...vault.manifest(old), format: 2 })),
    'object list is missing': () => {
      vault.store.bucket.remove(layout.objectList(old, 'mlpipeline'));
    },
    'object list is cut short': () => {
      const { bytes } = vault.store.bucket.get(layout.objectList(old, 'mlpipeline'));
      vault.store.seed(layout.objectList(old, 'mlpipeline'), bytes.subarray(0, 40));
    },
    'object list is that of another set': () => {
      const { bytes } = vault.store.bucket.get(layout.objectList(newest, 'mlpipeline'));
      vault.store.seed(layout.objectList(old, 'mlpipeline'), bytes);
    },
  })) {
    it(`deletes nothing when another set's ${damage}`, async () => {
      spoil();
      const before = keys();
      await rejectsWithCode(remove(middle), 'manifest-invalid');
      assert.deepEqual(keys(), before);
    });

    it(`lets go of a set whose own ${damage}`, async () => {
      spoil();
      await remove(old);
      assert.deepEqual(
        keysOf(old).filter((key) => key.startsWith(layout.set(old))),
        [],
      );
      await vault.restored(middle);
      await vault.restored(newest);
    });
  }

  it("deletes nothing under another model's path", async () => {
    const other = { ...vault.world, model: { name: 'copy', uuid: 'another' } };
    const before = keys();
    await rejectsWithCode(deleteSet(other, vault.target, old, { dryRun: false }), 'prefix-claimed');
    assert.deepEqual(keys(), before);
  });

  it('deletes nothing while another unit works on the path, and leaves no lock behind', async () => {
    const lock = await takeLock(vault.target, { ...vault.world, unit: 'ckf-backup/1' });
    await rejectsWithCode(remove(old), 'backup-running');
    await lock[Symbol.asyncDispose]();
    await remove(old);
    assert.ok(!keys().some((key) => key.startsWith(layout.locks)));
  });

  it('stops deleting when the lock was lost', async () => {
    const thief = JSON.stringify({
      modelUuid: 'x',
      unit: 'y/0',
      nonce: 'z',
      expires: '2099-01-01',
    });
    const { store } = vault;
    intercept(store, 'delete', (remover) => async (some) => {
      await remover(some);
      store.seed(layout.oldLock, thief);
    });
    await rejectsWithCode(remove(old), 'backup-running');
    await vault.restored(middle);
    await vault.restored(newest);
  });

  it('removes more than S3 deletes in one request', async () => {
    const sizes: number[] = [];
    const { store } = vault;
    intercept(store, 'delete', (remover) => async (some) => {
      sizes.push(some.length);
      await remover(some);
    });
    for (let index = 0; index < 1200; index += 1) vault.source.seed(`many/${index}`, '');
    const full = await vault.backUp();
    for (let index = 0; index < 1200; index += 1) vault.source.bucket.remove(`many/${index}`);
    await vault.backUp();
    await remove(full);
    assert.ok(Math.max(...sizes) <= 1000);
    assert.equal(keys().filter((key) => key.startsWith(`${mirror}many/`)).length, 0);
  });

  it('says that a store failed, and that nothing of it was a set any more', async () => {
    vault.store.failNext('list', new CharmError('store-unreachable', 'away'));
    const before = keys();
    await rejectsWithCode(remove(old), 'store-unreachable');
    assert.deepEqual(keys(), before);
  });
});
