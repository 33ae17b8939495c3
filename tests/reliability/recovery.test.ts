import assert from 'node:assert/strict';
import { configure } from '../sandbox/box/configure.ts';
import { assertPutBack, calmOf, undoIn } from './aftermath.ts';
import { lookOn, type Moment } from './moments.ts';
import type { Rig } from './rig.ts';
import { backUpUnder } from './round.ts';
import { testRig } from './test-rig.ts';

const scaled = (application: string, units: number, when: Moment['when'] = 'after'): Moment => ({
  what: `juju Application.ScaleApplications application-${application} ${units}`,
  when,
  nth: 1,
});

describe('what a killed backup left', () => {
  const rigOf = testRig();
  let rig: Rig;
  before(() => {
    rig = rigOf();
  });

  const kill = async (at: Moment): Promise<void> => {
    assert.ok(await backUpUnder(rig, { at, signal: 'SIGKILL' }));
  };

  it('is put back while S3, MinIO and Kubernetes are away, and an option is wrong', async () => {
    const calm = calmOf(rig.box);
    await kill(scaled('kfp-metadata-writer', 0));
    const { state } = rig.box.unit.agent;
    const { stores, kubernetes } = rig.box;
    const { token } = kubernetes;
    const { config } = structuredClone(state);
    for (const store of [stores.target, stores.minio]) store.observer = () => 'drop';
    kubernetes.token = 'of another cluster';
    configure(state, { 'bandwidth-limit': 'as much as you like' });
    await rig.box.hook('update-status');
    assert.deepEqual(calmOf(rig.box), calm);
    assert.deepEqual(undoIn(rig.journal), []);
    assert.match(state.unitStatus.message, /bandwidth-limit/);
    for (const store of [stores.target, stores.minio]) store.observer = undefined;
    kubernetes.token = token;
    state.config = config;
  });

  it('stays in the status, with the command, until the controller lets us in again', async () => {
    const calm = calmOf(rig.box);
    await kill(scaled('kfp-db', 2));
    const { users, unit } = rig.box;
    const login = users['ckf-backup']!;
    users['ckf-backup'] = { ...login, password: 'another' };
    await rig.box.hook('update-status');
    const { status, message } = unit.agent.state.unitStatus;
    assert.equal(status, 'blocked');
    assert.match(message, /kfp-db \(2, was 1\).*juju scale-application kfp-db 1/);
    const run = await rig.box.run('check');
    assert.equal(run.status, 'failed');
    assert.match(unit.agent.state.unitStatus.message, /juju scale-application kfp-db 1/);
    users['ckf-backup'] = login;
    await rig.box.hook('update-status');
    assertPutBack(rig.box, rig.journal, calm);
  });

  it('is left to the operator who has scaled the application since', async () => {
    await kill(scaled('katib-db', 2));
    const { model } = rig.box;
    model.setScale('katib-db', 3);
    await rig.box.hook('update-status');
    assert.equal(rig.box.scales()['katib-db'], 3);
    assert.equal(rig.box.scales()['kfp-db'], 1);
    assert.deepEqual(undoIn(rig.journal), []);
    model.setScale('katib-db', 1);
    await model.until(({ applications }) => applications['katib-db']?.units.length === 1);
  });

  for (const when of ['before', 'after'] as const)
    it(`is put back although the hook that does so is killed ${when} it scales`, async () => {
      const calm = calmOf(rig.box);
      await kill(scaled('kfp-metadata-writer', 0));
      const hook = rig.box.unit.agent.start({ hook: 'update-status' });
      {
        using _looking = lookOn(rig, ({ what, when: seen }) => {
          if (what !== scaled('kfp-metadata-writer', 1).what || seen !== when) return undefined;
          hook.kill('SIGKILL');
          return when === 'before' ? 'drop' : undefined;
        });
        assert.equal((await hook.done).signal, 'SIGKILL');
      }
      // The databases are backed up at the same time, and may be left as well.
      assert.ok(undoIn(rig.journal).includes('undo-kfp-metadata-writer.json'));
      await rig.box.hook('update-status');
      assertPutBack(rig.box, rig.journal, calm);
    });

  it('is put back by the last hook, too, when ckf-backup is removed', async () => {
    const calm = calmOf(rig.box);
    await kill(scaled('kfp-metadata-writer', 0));
    await rig.box.hook('remove');
    assert.deepEqual(calmOf(rig.box), calm);
    assert.deepEqual(undoIn(rig.journal), []);
  });
});
