import assert from 'node:assert/strict';
import { openS3 } from '../../src/adapters/s3/s3.ts';
import { verifyBackup } from '../../src/actions/verify-backup.ts';
import { runBackup } from '../../src/backup/run-backup.ts';
import { longestMessage } from '../../src/errors.ts';
import type { BackupId } from '../../src/repository/layout.ts';
import { runRestore } from '../../src/restore/run-restore.ts';
import type { ObjectStore, World } from '../../src/world.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { hastyClock } from '../fakes/hasty-clock.ts';
import { aBackupWorld } from '../rigs/backup-world.ts';
import { aConfig } from '../rigs/config.ts';
import { sourceIn, targetIn } from '../rigs/target.ts';
import { profileOf } from '../servers/s3/profiles.ts';
import { startS3Server, testUser } from '../servers/s3/server.ts';

const config = aConfig({ components: ['mlpipeline'] });
const request = { allowRunning: false, allowShrink: false, takeOver: false, timeoutSeconds: 60 };

/** A model whose backups go to AWS, one of them, and a clock that can be put forward. */
const openRig = async () => {
  const stack = new AsyncDisposableStack();
  const clock = hastyClock();
  const { whole } = stack.use(aBackupWorld());
  const start = async (bucket: string, profile: 'minio-2021' | 'aws') => {
    const server = await startS3Server({ profile, buckets: [bucket], now: () => clock.now() });
    stack.use(server);
    const { region } = profileOf(profile);
    const store = stack.use(
      openS3({
        ...{ endpoint: server.url, region, bucket, style: 'path' as const },
        ...{ ...testUser, clock },
      }),
    );
    // An operation closes what it opened.
    const open: ObjectStore = { ...store, [Symbol.asyncDispose]: async () => undefined };
    return { server, store: open };
  };
  const minio = await start('mlpipeline', 'minio-2021');
  const aws = await start('backups', 'aws');
  const world: World = {
    ...{ ...whole, clock },
    openTarget: async () => targetIn(aws.store),
    openSource: async (bucket) => sourceIn(minio.store, bucket),
  };
  for (const key of ['a', 'b/c', 'empty'])
    await minio.store.put(key, key === 'empty' ? '' : `content of ${key}`);
  const { manifest } = await runBackup(world, config, request);
  const moved = stack.move();
  return {
    ...{ minio, aws, world, id: manifest.id },
    pass: (hours: number) => {
      clock.pass(hours * 3600);
    },
    /** How often S3 was asked to thaw something. */
    asked: () => aws.server.count('RestoreObject'),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
};

const restore = (world: World, backupId: BackupId, thaw: boolean, dryRun = false) =>
  runRestore(world, config, {
    ...{ ...request, backupId, components: undefined, dryRun, deleteExtra: true },
    ...{ allowDamaged: false, thaw, confirm: 'kubeflow', fromModel: undefined },
    ...{ renamed: new Map(), allowUnsigned: false },
  });

describe('a set whose objects lie in an archive class', () => {
  it('is not restored before they are thawed, which thaw=true asks for', async () => {
    await using rig = await openRig();
    const { minio, aws, world, id, asked } = rig;
    aws.server.contents.archive('backups', 'ckf/mlpipeline/');
    await minio.store.delete(['a', 'b/c', 'empty']);

    const frozen = await rejectsWithCode(restore(world, id, false), 'object-archived');
    assert.match(frozen.message, /3 objects .* S3 has them in GLACIER.*thaw=true.*3 to 5 hours/);
    assert.ok(frozen.message.length + ' [object-archived]'.length <= longestMessage);
    await rejectsWithCode(restore(world, id, true, true), 'object-archived');
    assert.equal(asked(), 0);

    const begun = await rejectsWithCode(restore(world, id, true), 'object-archived');
    assert.match(begun.message, /thawing 3 objects .*: 3 were asked for now, 0 before/);
    assert.ok(begun.message.length + ' [object-archived]'.length <= longestMessage);
    rig.pass(1);
    const waiting = await rejectsWithCode(restore(world, id, true), 'object-archived');
    assert.match(waiting.message, /0 were asked for now, 3 before/);
    assert.equal(asked(), 3);
    assert.deepEqual(minio.server.contents.keys('mlpipeline'), []);

    rig.pass(4);
    await restore(world, id, false);
    assert.deepEqual(minio.server.contents.keys('mlpipeline'), ['a', 'b/c', 'empty']);
    assert.equal(String(await minio.store.read('b/c')), 'content of b/c');

    rig.pass(8 * 24);
    await rejectsWithCode(restore(world, id, false), 'object-archived');
  });

  it('has its manifest and lists thawed first, when they are archived too', async () => {
    await using rig = await openRig();
    const { minio, aws, world, id, asked } = rig;
    aws.server.contents.archive('backups', '', 'DEEP_ARCHIVE');
    const unread = await rejectsWithCode(restore(world, id, false), 'object-archived');
    assert.match(unread.message, /thaw=true/);
    const first = await rejectsWithCode(restore(world, id, true), 'object-archived');
    assert.match(first.message, /manifest and lists.* up to 12 hours for DEEP_ARCHIVE/);
    assert.ok(asked() > 1);
    rig.pass(12);
    const second = await rejectsWithCode(restore(world, id, true), 'object-archived');
    assert.match(second.message, /3 objects of the backup .*: 3 were asked for now/);
    rig.pass(12);
    await minio.store.delete(['a']);
    await restore(world, id, true);
    assert.deepEqual(minio.server.contents.keys('mlpipeline'), ['a', 'b/c', 'empty']);
  });

  it('is verified as far as it can be read, and thawed for the rest', async () => {
    await using rig = await openRig();
    const { aws, world, id, asked } = rig;
    const verify = (parameters: object) =>
      verifyBackup(world, config, { 'backup-id': id, ...parameters });
    aws.server.contents.archive('backups', 'ckf/mlpipeline/a');
    const { result, archived } = await verify({});
    assert.deepEqual([result, archived], ['intact', '1']);
    await rejectsWithCode(verify({ deep: true }), 'object-archived');
    assert.equal(asked(), 0);
    await rejectsWithCode(verify({ thaw: true }), 'object-archived');
    assert.equal(asked(), 1);
    rig.pass(5);
    const whole = await verify({ deep: true });
    assert.deepEqual([whole['archived'], whole['proven']], [undefined, '3']);
  });

  it('is damaged all the same where something is missing', async () => {
    await using rig = await openRig();
    const { aws, world, id } = rig;
    aws.server.contents.archive('backups', 'ckf/mlpipeline/a');
    aws.server.contents.remove('backups', 'ckf/mlpipeline/b/c');
    const verify = verifyBackup(world, config, { 'backup-id': id, deep: true });
    const { results } = await rejectsWithCode(verify, 'set-damaged');
    assert.deepEqual([results['missing'], results['archived']], ['1', '1']);
  });
});

describe('the class of an object', () => {
  it('is no reason to thaw it where it can be read all the same', async () => {
    await using server = await startS3Server({ buckets: ['bucket'] });
    await using store = openS3({
      ...{ endpoint: server.url, region: undefined, bucket: 'bucket', style: 'path' as const },
      ...{ ...testUser, clock: { now: () => new Date(), sleep: async () => undefined } },
      storageClass: 'GLACIER',
    });
    for (const [key, content] of [['a', 'x'] as const, ['empty', ''] as const]) {
      await store.put(key, content);
      assert.equal((await store.head(key))?.archive, 'GLACIER');
      assert.equal(await store.thaw(key, 1), 'readable');
    }
    const listed = await Array.fromAsync(store.list(''));
    assert.deepEqual(
      listed.map(({ archive }) => archive),
      ['GLACIER', 'GLACIER'],
    );
    assert.equal(server.count('RestoreObject'), 0);
    await rejectsWithCode(store.thaw('none', 1), 'object-missing');
  });
});
