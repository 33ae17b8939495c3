import assert from 'node:assert/strict';
import { check } from '../../src/actions/check.ts';
import { CharmError } from '../../src/errors.ts';
import { backupIdAt, layoutOf } from '../../src/repository/layout.ts';
import { takeLock } from '../../src/repository/lock.ts';
import { aBackupWorld } from '../rigs/backup-world.ts';
import { aConfig } from '../rigs/config.ts';
import { aManifest } from '../rigs/manifest.ts';
import { signingKeys } from '../rigs/signing-keys.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';

describe('check', () => {
  it('says how many units a database will have', async () => {
    using rig = aBackupWorld();
    const { databases } = await check(rig.whole, aConfig({ databaseUnits: 1 }), {});
    assert.equal(databases, 'kfp-db (1 unit), katib-db (1 unit)');
    const scaled = await check(rig.whole, aConfig(), {});
    assert.equal(scaled['databases'], 'kfp-db (1 to 2 units), katib-db (1 to 2 units)');
  });

  it('says what the S3 server does', async () => {
    using rig = aBackupWorld();
    const { server } = await check(rig.whole, aConfig(), {});
    assert.match(
      String(server),
      /^conditions heeded, .* tags kept, takes every key, .* clocks agree$/,
    );
  });

  it('names keys that the target cannot hold', async () => {
    using rig = aBackupWorld();
    rig.source.seed(`pipelines/${'n'.repeat(256)}`, 'x');
    const checkKey = rig.target.bucket.checkKey.bind(rig.target.bucket);
    rig.target.bucket.checkKey = (key) => {
      checkKey(key);
      if (key.split('/').some((name) => name.length > 255))
        throw rig.target.bucket.refused('XMinioInvalidObjectName');
    };
    const { message } = await rejectsWithCode(check(rig.whole, aConfig(), {}), 'keys-refused');
    assert.match(message, /bucket mlpipeline, such as "pipelines\/n/);
    assert.ok(rig.progress.notes.some((note) => /Looking through the keys/.test(note)));
    assert.equal(rig.target.objects.size, 0);
  });

  it('finds that another unit works on the path, and leaves its lock alone', async () => {
    using rig = aBackupWorld();
    const target = await rig.whole.openTarget();
    await using _lock = await takeLock(target, { ...rig.whole, unit: 'ckf-backup/7' });
    const { message } = await rejectsWithCode(check(rig.whole, aConfig(), {}), 'backup-running');
    assert.match(message, /ckf-backup\/7/);
    await _lock.assertHeld();
  });

  it('shows the public key with which sets are signed, and asks for the private one', async () => {
    using rig = aBackupWorld();
    const keys = signingKeys();
    const world = { ...rig.whole, openSigningKeys: async () => keys };
    const results = await check(world, aConfig(), {});
    assert.match(results['public-key'] ?? '', /^MCowBQYDK2VwAyEA[\w+/]{43}=$/);
    const onlyTrusted = {
      ...rig.whole,
      openSigningKeys: async () => ({ ...keys, signs: undefined }),
    };
    await rejectsWithCode(check(onlyTrusted, aConfig(), {}), 'secret-unreadable');
  });

  it('finds that ML Metadata has no pod', async () => {
    using rig = aBackupWorld();
    rig.kubernetes.pods.clear();
    await rejectsWithCode(check(rig.whole, aConfig(), {}), 'mlmd-missing');
    await check(rig.whole, aConfig({ components: ['kfp-db'] }), {});
  });

  it('finds that a bucket has lost its objects, unless it may', async () => {
    using rig = aBackupWorld();
    const before = aManifest();
    const [bucket] = before.buckets;
    assert.ok(bucket);
    rig.target.seed(
      layoutOf('ckf').manifest(backupIdAt(new Date(before.id))),
      JSON.stringify({ ...before, buckets: [{ ...bucket, bucket: 'mlpipeline', objects: 24 }] }),
    );
    for (const key of ['2', '3', '4']) rig.source.seed(key, 'left');
    const { message } = await rejectsWithCode(check(rig.whole, aConfig(), {}), 'source-shrunk');
    assert.match(message, /has only 4 objects, and the last complete set had 24/);
    await check(rig.whole, aConfig(), { 'allow-shrink': true });
  });

  it('finds an empty bucket', async () => {
    using rig = aBackupWorld();
    rig.source.bucket.remove('pipelines/1');
    await rejectsWithCode(check(rig.whole, aConfig(), {}), 'source-shrunk');
  });

  it('reports an option that is wrong along with everything else', async () => {
    using rig = aBackupWorld();
    rig.kubernetes.pods.clear();
    const wrong = new CharmError('option-invalid', 'The option transfers is 0.');
    const { problems } = await rejectsWithCode(
      check(rig.whole, aConfig(), {}, [wrong]),
      'preflight-failed',
    );
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['option-invalid', 'mlmd-missing'],
    );
  });

  it('sends a test message when it is asked to, before anything else', async () => {
    using rig = aBackupWorld();
    assert.equal((await check(rig.whole, aConfig(), {}))['notification'], undefined);
    const none = await check(rig.whole, aConfig(), { notify: true });
    assert.equal(none['notification'], 'none');
    const sent: string[] = [];
    const world = {
      ...rig.whole,
      openNotifier: async () => ({
        send: async ({ text }: { readonly text: string }) => void sent.push(text),
      }),
    };
    assert.equal((await check(world, aConfig(), { notify: true }))['notification'], 'sent');
    assert.equal(sent.length, 1);
    const failing = {
      ...rig.whole,
      openNotifier: () => Promise.reject(new CharmError('notify-url-unusable', 'Not readable.')),
    };
    assert.equal((await check(failing, aConfig(), { notify: true }))['notification'], 'not sent');
    assert.ok(rig.progress.notes.includes('Not readable.'));
  });
});
