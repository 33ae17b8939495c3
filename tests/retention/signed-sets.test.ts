import assert from 'node:assert/strict';
import type { BackupId } from '../../src/repository/layout.ts';
import { signManifest } from '../../src/repository/signature.ts';
import { deleteSet, pruneSets } from '../../src/retention/prune.ts';
import type { RemovalOptions } from '../../src/retention/remove-sets.ts';
import type { World } from '../../src/world.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { signingKeys } from '../rigs/signing-keys.ts';
import { createVault, layout, type Vault } from '../rigs/vault.ts';

const ours = signingKeys();

describe('retention while sets are signed', () => {
  let vault: Vault;
  let world: World;
  let first: BackupId;
  let second: BackupId;

  /** A set with an object that no other one has. */
  const backUp = async (by: 'us' | 'nobody' | 'somebody else'): Promise<BackupId> => {
    vault.source.seed('changes', `for the set of ${vault.world.clock.now().toISOString()}`);
    const id = await vault.backUp();
    const keys = { us: ours, nobody: undefined, 'somebody else': signingKeys() }[by];
    change(id, signManifest(vault.manifest(id), keys));
    return id;
  };
  const change = (id: BackupId, manifest: object): void => {
    vault.store.seed(layout.manifest(id), JSON.stringify(manifest, undefined, 2));
  };
  const prune = async (last: number, options: Partial<RemovalOptions> = {}) => {
    const keep = { last, daily: 0, weekly: 0, monthly: 0 };
    const all = { dryRun: false, ...options };
    return (await pruneSets(world, { keep }, vault.target, all)).removed;
  };
  const remove = (id: BackupId) => deleteSet(world, vault.target, id, { dryRun: false });

  beforeEach(async () => {
    vault = await createVault();
    world = { ...vault.world, openSigningKeys: async () => ours };
    vault.source.seed('stays', 'the same');
    first = await backUp('us');
    second = await backUp('us');
  });
  afterEach(() => vault[Symbol.asyncDispose]());

  for (const by of ['nobody', 'somebody else'] as const)
    it(`lets newer sets that ${by === 'nobody' ? 'nobody' : 'somebody else'} signed push out none of ours, and names them`, async () => {
      const forged = [await backUp(by), await backUp(by)];

      assert.deepEqual(await prune(2), []);
      assert.deepEqual(await prune(1), [first]);

      await vault.restored(second);
      const said = vault.progress.notes.filter((note) => note.includes('signature'));
      for (const id of forged) assert.ok(said.some((note) => note.includes(id)));
    });

  it('lets a set whose manifest was changed push out none, and keeps what the others list', async () => {
    const newest = await backUp('us');
    // As somebody would who wants the retention to believe that nothing is needed any more.
    change(newest, { ...vault.manifest(newest), buckets: [], started: '2020-01-01T00:00:00Z' });

    assert.deepEqual(await prune(1), [first]);

    await vault.restored(second);
  });

  it('deletes the last signed set for no newer one, and a forged one at once', async () => {
    await remove(first);
    const unsigned = await backUp('nobody');
    const forged = await backUp('somebody else');

    const { message } = await rejectsWithCode(remove(second), 'backup-protected');
    assert.match(message, /newest/);

    for (const id of [unsigned, forged]) assert.deepEqual((await remove(id)).removed, [id]);
    await vault.restored(second);
  });

  it('protects the last set of a part that was backed up before sets were signed', async () => {
    await vault[Symbol.asyncDispose]();
    vault = await createVault();
    world = { ...vault.world, openSigningKeys: async () => ours };
    const before = await backUp('nobody');
    const last = await backUp('nobody');

    await rejectsWithCode(remove(last), 'backup-protected');
    assert.deepEqual((await remove(before)).removed, [before]);
    assert.deepEqual(await prune(1), []);
  });

  it('counts sets from before with allow-unsigned', async () => {
    await backUp('nobody');
    const newest = await backUp('us');

    assert.equal((await prune(1, { allowUnsigned: true })).length, 3);
    await vault.restored(newest);
  });

  it('trusts no times of lists while there is a set of somebody else', async () => {
    // Two sets have an object that a forged one between them does not list.
    const forged = await backUp('us');
    const newest = await backUp('us');
    change(forged, { ...vault.manifest(forged), consistent: false });

    assert.deepEqual(await prune(1, { onlySets: true, fewSets: 0 }), [second, first]);

    await vault.restored(newest);
    await vault.restored(forged);
  });

  it('removes nothing when the key cannot be read', async () => {
    const before = [...vault.store.objects.keys()];
    world = {
      ...world,
      openSigningKeys: async () => Promise.reject(new Error('the secret cannot be read')),
    };
    await assert.rejects(prune(1));
    assert.deepEqual(
      [...vault.store.objects.keys()].filter((key) => !key.includes('/locks/')),
      before,
    );
  });
});
