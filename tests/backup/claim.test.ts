import assert from 'node:assert/strict';
import { claimProblem, ensureClaim, readClaim } from '../../src/backup/claim.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { targetIn } from '../fixtures/target.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';

const ours = { name: 'kubeflow', uuid: 'uuid-of-ours' };
const theirs = { name: 'staging', uuid: 'uuid-of-theirs' };

describe('claim of a path', () => {
  it('is made by the first backup and found by the next', async () => {
    const target = targetIn(new FakeObjectStore());
    assert.equal(await readClaim(target), undefined);
    await ensureClaim(target, ours, false);
    const found = await readClaim(target);
    assert.deepEqual(found?.claim, { format: 1, model: ours, generations: {} });
    assert.equal(claimProblem(target, ours, found.claim), undefined);
  });

  it('keeps another model from writing, and says whose it is and what to do', async () => {
    const target = targetIn(new FakeObjectStore());
    await ensureClaim(target, theirs, false);
    const { message } = await rejectsWithCode(ensureClaim(target, ours, false), 'prefix-claimed');
    assert.match(message, /staging/);
    assert.match(message, /take-over=true/);
    assert.deepEqual((await readClaim(target))?.claim.model, theirs);
  });

  it('passes to us when an operator takes it over, with the paths of the databases', async () => {
    const store = new FakeObjectStore();
    const target = targetIn(store);
    store.seed(
      'ckf/ckf-backup.json',
      JSON.stringify({ format: 1, model: theirs, generations: { 'kfp-db': 2 } }),
    );
    const claim = await ensureClaim(target, ours, true);
    assert.deepEqual(claim, { format: 1, model: ours, generations: { 'kfp-db': 2 } });
  });

  it('is made by one of two models that come at once', async () => {
    const target = targetIn(new FakeObjectStore());
    const outcomes = await Promise.allSettled([
      ensureClaim(target, ours, false),
      ensureClaim(target, theirs, false),
    ]);
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  });

  it('that cannot be understood is left alone', async () => {
    const store = new FakeObjectStore();
    for (const content of ['not JSON', '{"format": 9}']) {
      store.seed('ckf/ckf-backup.json', content);
      await rejectsWithCode(ensureClaim(targetIn(store), ours, true), 'prefix-claimed');
      assert.equal((await store.read('ckf/ckf-backup.json')).toString(), content);
    }
  });
});
