import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import { endKilledSession } from '../../src/hooks/end-killed-session.ts';
import type { Unit } from '../../src/hooks/unit.ts';
import { backUpVolumes } from '../../src/volumes/back-up-volumes.ts';
import type { World } from '../../src/world.ts';
import { oursIn } from '../fakes/cluster.ts';
import { unitRig } from '../rigs/unit.ts';
import { type VolumeWorldRig, aVolumeWorld, volumesConfig } from '../rigs/volume-world.ts';

const config = volumesConfig({ inUse: 'stop' });

describe('the hook after a session of volumes was killed', () => {
  let rig: VolumeWorldRig;
  let logs: readonly string[];
  let worlds: number;
  let unit: Unit;
  /** What the hook finds in the place of the world. */
  let world: World;
  beforeEach(() => {
    rig = aVolumeWorld();
    rig.addProfile('alice');
    rig.addVolume('alice/home', { thesis: 'words' });
    rig.addNotebook('alice', 'lab', 'home');
    const { tools, unit: whole } = unitRig();
    ({ logs } = tools);
    world = rig.whole;
    worlds = 0;
    unit = {
      ...whole,
      journal: rig.journal,
      openWorld: async () => {
        worlds += 1;
        return world;
      },
    };
  });
  afterEach(() => {
    rig[Symbol.dispose]();
  });

  /** The id of the session. Nothing that its process would do comes after that. */
  const kill = async (): Promise<string> => {
    rig.restic.instead = (_run, role) =>
      role === 'backup' ? new Promise(() => undefined) : undefined;
    void backUpVolumes(rig.whole, config.volumes, { kind: 'all' });
    while (!rig.restic.commands.includes('backup: backup')) await rig.later(1);
    return (await rig.journal.volumeSession()) ?? assert.fail();
  };
  const runs = (): boolean => rig.cluster.store.find('pods', 'alice', 'lab-0') !== undefined;

  it('does nothing, and opens nothing, when none was', async () => {
    await endKilledSession(unit, config);
    assert.deepEqual([worlds, logs], [0, []]);
  });

  it('starts the notebooks again and clears everything away', async () => {
    const session = await kill();
    assert.ok(!runs());
    await endKilledSession(unit, config);
    assert.ok(runs());
    assert.deepEqual(oursIn(rig.cluster), []);
    assert.deepEqual(logs, [
      'INFO Notebooks that a killed backup had stopped run again: alice/lab.',
      `INFO The session ${session} of volumes was killed; it is cleared away.`,
    ]);
    assert.equal((await rig.records())[0]?.phase, 'Failed');
    await endKilledSession(unit, config);
    assert.equal(logs.length, 2, 'it is done once');
  });

  it('starts the notebooks and clears the cluster also while S3 is away, and goes on later', async () => {
    const session = await kill();
    world = {
      ...rig.whole,
      openTarget: () => Promise.reject(new CharmError('store-unreachable', 'S3 is away.')),
    };
    await endKilledSession(unit, config);
    assert.ok(runs());
    assert.deepEqual(oursIn(rig.cluster), []);
    assert.equal(
      logs[1],
      `WARNING The session ${session} of volumes was killed. The next hook clears away what it left: S3 is away.`,
    );
    assert.equal(await rig.journal.volumeSession(), session);
    world = rig.whole;
    await endKilledSession(unit, config);
    assert.equal(await rig.journal.volumeSession(), undefined);
    assert.equal((await rig.records())[0]?.volumes[0]?.code, 'interrupted');
  });

  it('says which notebooks are still stopped while the cluster is away', async () => {
    await kill();
    world = {
      ...rig.whole,
      openCluster: () => Promise.reject(new CharmError('kubernetes-unreachable', 'It is away.')),
    };
    await endKilledSession(unit, config);
    assert.equal(
      logs[0],
      'WARNING The notebooks alice/lab are still stopped by a backup that was killed. The next hook starts them: It is away.',
    );
    assert.match(logs[1] ?? '', /^WARNING The session .* The next hook clears away what it left/);
    assert.ok(!runs());
  });
});
