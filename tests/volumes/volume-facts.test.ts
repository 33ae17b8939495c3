import assert from 'node:assert/strict';
import type { VolumeFacts } from '../../src/metrics/facts.ts';
import { backUpVolumes } from '../../src/volumes/back-up-volumes.ts';
import { verifyRepositories } from '../../src/volumes/verify-repositories.ts';
import { readVolumeFacts } from '../../src/volumes/volume-facts.ts';
import { type VolumeWorldRig, aWorldOfTwoUsers, volumesConfig } from '../rigs/volume-world.ts';

describe('what metrics tell of volumes', () => {
  let rig: VolumeWorldRig;
  beforeEach(() => {
    rig = aWorldOfTwoUsers();
  });
  afterEach(() => {
    rig[Symbol.dispose]();
  });

  const { volumes: config } = volumesConfig();
  const facts = (): Promise<VolumeFacts> => readVolumeFacts(rig.whole, config);
  /** When it began. */
  const backUp = async (pattern = '*/*'): Promise<string> => {
    await rig.later(86_400);
    const request = { kind: 'matching', pattern } as const;
    return (await backUpVolumes(rig.whole, config, request)).started;
  };
  const verify = async (namespace: string): Promise<string> => {
    await rig.later(3600);
    const at = rig.clock.now().toISOString();
    const request = { namespace, readData: '1/1', testRestore: undefined };
    await verifyRepositories(rig.whole, config, request);
    return at;
  };

  it('is when the claim was made of a volume without a backup, and no repository', async () => {
    const made = rig.clock.now().toISOString();
    assert.deepEqual(await facts(), {
      namespaces: { alice: made, bob: made },
      repositories: {},
    });
  });

  it('is the oldest last good backup in each namespace', async () => {
    const first = await backUp();
    rig.addVolume('bob/more', { rows: 'more rows' });
    const second = await backUp('bob/more');
    assert.deepEqual((await facts()).namespaces, { alice: first, bob: first });
    const third = await backUp('bob/data');
    assert.deepEqual((await facts()).namespaces, { alice: first, bob: second });
    rig.restic.unreadable.add('thesis.md');
    rig.restic.filesOf('alice/home').set('other', 'words');
    await backUp('alice/*');
    assert.equal((await facts()).namespaces['alice'], first, 'that one was not whole');
    assert.ok(second < third);
  });

  it('takes a volume without files for backed up, and leaves out what nobody means', async () => {
    await backUp();
    rig.addVolume('bob/empty');
    const at = await backUp();
    for (const name of ['paused', 'gone']) rig.addVolume(`bob/${name}`, { a: 'a' });
    const { store } = rig.cluster;
    store.patch('persistentvolumeclaims', 'bob', 'paused', {
      metadata: { annotations: { 'ckf-backup/paused': 'true' } },
    });
    store.remove('persistentvolumeclaims', 'bob', 'gone');
    await rig.later(86_400);
    assert.equal((await facts()).namespaces['bob'], at);
  });

  it('grows old of a volume that is always in use', async () => {
    const at = await backUp();
    rig.addPod('alice', 'lab-0', 'home');
    await rig.later(86_400);
    const always = { ...config, inUse: 'skip' } as const;
    await backUpVolumes(rig.whole, always, { kind: 'all' });
    assert.equal((await readVolumeFacts(rig.whole, always)).namespaces['alice'], at);
  });

  it('is when somebody last looked into each repository, and whether damage stands', async () => {
    await backUp();
    const at = await verify('alice');
    const { repositories } = await facts();
    assert.partialDeepStrictEqual(repositories, { alice: { checked: at, intact: true } });
    assert.deepEqual(Object.keys(repositories['bob'] ?? {}), ['created']);
    const [key = ''] = rig.keysOf('bob', 'data');
    rig.store.seed(key, 'spoiled');
    const found = await verify('bob');
    assert.partialDeepStrictEqual((await facts()).repositories, {
      alice: { checked: at, intact: true },
      bob: { checked: found, intact: false },
    });
  });
});
