import assert from 'node:assert/strict';
import { settledModel, settling } from '../../src/operation/settled-model.ts';
import { aScaleWorld, type ScaleWorldRig } from '../rigs/scale-world.ts';

const withMlmd = (): ScaleWorldRig => {
  const world = aScaleWorld();
  world.model.addApplication({ name: 'mlmd', charm: 'mlmd' });
  world.model.addApplication({ name: 'minio', charm: 'minio' });
  return world;
};

/** The state of mlmd, once it is settled; `meanwhile` happens after some seconds of waiting. */
const settled = async (world: ScaleWorldRig, meanwhile: () => void = () => undefined) => {
  const { juju, whole, clock } = world;
  void clock.sleep(5500).then(meanwhile);
  const began = clock.now().getTime();
  const model = await settledModel({ ...settling(whole), juju }, ['mlmd', 'absent']);
  const seconds = (clock.now().getTime() - began) / 1000;
  return { workload: model.applications.get('mlmd')?.units[0]?.workload.status, seconds };
};

describe('the state of a model in which charms run their hooks', () => {
  it('is told at once when all are at rest, whatever others do', async () => {
    using world = withMlmd();
    world.model.setWorkload('minio/0', 'maintenance', 'Checking Kubernetes resources');
    assert.deepEqual(await settled(world), { workload: 'active', seconds: 0 });
    assert.deepEqual(world.progress.notes, []);
  });

  it('is waited for while a unit is in maintenance, which one note says', async () => {
    using world = withMlmd();
    world.model.setWorkload('mlmd/0', 'maintenance', 'Checking Kubernetes resources');
    const { workload, seconds } = await settled(world, () => {
      world.model.setWorkload('mlmd/0', 'active');
    });
    assert.deepEqual([workload, seconds < 10], ['active', true]);
    assert.deepEqual(world.progress.notes, [
      'Waiting for up to a minute for mlmd/0 (Checking Kubernetes resources)',
    ]);
  });

  it('is waited for while the agent of a unit is in a hook', async () => {
    using world = withMlmd();
    const agent = (status: string) => () => {
      world.model.change(({ applications }) => {
        const [unit] = applications['mlmd']!.units;
        unit!.agent = { status, message: '', since: '' };
      });
    };
    agent('executing')();
    const { seconds } = await settled(world, agent('idle'));
    assert.ok(seconds > 5 && seconds < 10);
  });

  it('is told when each has been at rest, although never all of them at once', async () => {
    using world = withMlmd();
    const { juju, whole, clock, model } = world;
    const turn = (busy: string, idle: string): void => {
      model.setWorkload(idle, 'active');
      model.setWorkload(busy, 'maintenance', 'Checking Kubernetes resources');
    };
    turn('mlmd/0', 'minio/0');
    void (async () => {
      for (const [busy, idle] of [
        ['minio/0', 'mlmd/0'],
        ['mlmd/0', 'minio/0'],
      ] as const)
        // prettier-ignore
        await clock.sleep(4500).then(() => {
          turn(busy, idle);
        });
    })();
    const began = clock.now().getTime();
    const seen = await settledModel({ ...settling(whole), juju }, ['mlmd', 'minio']);
    assert.ok(clock.now().getTime() - began < 10_000);
    for (const name of ['mlmd', 'minio'])
      assert.equal(seen.applications.get(name)?.units[0]?.workload.status, 'active');
  });

  for (const stuck of ['error', 'blocked'])
    it(`is told at once when a unit is in ${stuck}, whatever another unit of it does`, async () => {
      using world = withMlmd();
      world.model.addApplication({ name: 'kfp-db', charm: 'mysql-k8s', units: 2 });
      world.model.setWorkload('kfp-db/0', 'maintenance', 'Recovering');
      world.model.setWorkload('kfp-db/1', stuck, 'hook failed: "start"');
      const { juju, whole, clock } = world;
      const began = clock.now().getTime();
      await settledModel({ ...settling(whole), juju }, ['kfp-db']);
      assert.equal(clock.now().getTime(), began);
    });

  it('is told as it is after a minute', async () => {
    using world = withMlmd();
    world.model.setWorkload('mlmd/0', 'maintenance', 'Running backup...');
    const { workload, seconds } = await settled(world);
    assert.equal(workload, 'maintenance');
    assert.ok(seconds >= 60 && seconds <= 62);
  });

  it('is not waited for when somebody has to act', async () => {
    using world = withMlmd();
    world.model.setWorkload('mlmd/0', 'error', 'hook failed: "start"');
    assert.deepEqual(await settled(world), { workload: 'error', seconds: 0 });
  });
});
