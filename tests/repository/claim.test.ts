import assert from 'node:assert/strict';
import { openS3 } from '../../src/adapters/s3/s3.ts';
import { claimProblem, ensureClaim, readClaim } from '../../src/repository/claim.ts';
import { quickClock } from '../fakes/fast-clock.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { targetIn } from '../rigs/target.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { startS3Server, testUser } from '../servers/s3/server.ts';

const ours = { name: 'kubeflow', uuid: 'uuid-of-ours' };
const theirs = { name: 'staging', uuid: 'uuid-of-theirs' };

describe('claim of a path', () => {
  it('is made by the first backup and found by the next', async () => {
    const target = targetIn(new FakeObjectStore());
    assert.equal(await readClaim(target), undefined);
    await ensureClaim(target, ours, {});
    const found = await readClaim(target);
    assert.deepEqual(found?.claim, { format: 1, model: ours, generations: {} });
    assert.equal(claimProblem(target, ours, found.claim), undefined);
  });

  it('keeps another model from writing, and says whose it is and what to do', async () => {
    const target = targetIn(new FakeObjectStore());
    await ensureClaim(target, theirs, {});
    const { message } = await rejectsWithCode(ensureClaim(target, ours, {}), 'prefix-claimed');
    assert.match(message, /staging/);
    assert.match(message, /take-over=true/);
    assert.deepEqual((await readClaim(target))?.claim.model, theirs);
  });

  it('is counted up to what the databases were handed, and never down', async () => {
    const store = new FakeObjectStore();
    const target = targetIn(store);
    store.seed(
      'ckf/ckf-backup.json',
      JSON.stringify({ format: 1, model: ours, generations: { 'kfp-db': 2, 'katib-db': 3 } }),
    );
    const claim = await ensureClaim(target, ours, { 'kfp-db': 3, 'katib-db': 1 });
    assert.deepEqual(claim.generations, { 'kfp-db': 3, 'katib-db': 3 });
    assert.deepEqual((await readClaim(target))?.claim, claim);
  });

  it('is made by one of two models that come at once', async () => {
    const target = targetIn(new FakeObjectStore());
    const outcomes = await Promise.allSettled([
      ensureClaim(target, ours, {}),
      ensureClaim(target, theirs, {}),
    ]);
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  });

  it('is counted up in a bucket with versioning on RadosGW 16, which fails every If-Match', async () => {
    await using server = await startS3Server({
      profile: 'radosgw-16-versioned',
      buckets: ['backups'],
    });
    await using store = openS3({
      ...{ endpoint: server.url, region: undefined, bucket: 'backups', style: 'path' as const },
      ...{ ...testUser, clock: quickClock },
    });
    const target = targetIn(store);
    await ensureClaim(target, ours, {});
    await ensureClaim(target, ours, { 'kfp-db': 2 });
    assert.deepEqual((await readClaim(target))?.claim.generations, { 'kfp-db': 2 });
  });

  it('that cannot be understood is left alone', async () => {
    const store = new FakeObjectStore();
    for (const content of ['not JSON', '{"format": 9}']) {
      store.seed('ckf/ckf-backup.json', content);
      await rejectsWithCode(ensureClaim(targetIn(store), ours, {}), 'prefix-claimed');
      assert.equal((await store.read('ckf/ckf-backup.json')).toString(), content);
    }
  });
});
