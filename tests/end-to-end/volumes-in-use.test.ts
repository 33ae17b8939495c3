import assert from 'node:assert/strict';
import { needsVolumeTools } from '../rigs/needs.ts';
import { assertEnded, boxWithVolumes } from '../rigs/volumes.ts';

describe("users' volumes that notebooks use", () => {
  const opened = boxWithVolumes();
  before(async function () {
    await needsVolumeTools(this);
    const { box, volumes } = opened();
    volumes.workloads.addNotebook('bob', 'lab', 'data', {
      'notebooks.kubeflow.org/last-activity': new Date().toISOString(),
    });
    await box.configure({ volumes: 'bob/*', 'volumes-in-use': 'stop' });
  });

  const runs = (): boolean =>
    opened().volumes.workloads.store.find('pods', 'bob', 'lab-0') !== undefined;
  const job = () =>
    opened()
      .volumes.workloads.store.all('jobs', 'bob')
      .find(({ spec }) => spec?.suspend === false);
  /** Begins a backup that stays in its middle until it is let go. */
  const begun = async () => {
    const { box, volumes } = opened();
    const held = Promise.withResolvers<undefined>();
    volumes.workloads.holds.set('bob/data', held.promise);
    const running = box.start('backup-volumes');
    for (let attempt = 0; attempt < 1000 && job() === undefined; attempt += 1)
      await new Promise((resolve) => setTimeout(resolve, 100));
    return {
      running,
      letGo: (): void => {
        volumes.workloads.holds.clear();
        held.resolve(undefined);
      },
    };
  };

  it('are backed up while the notebook is stopped, which then runs again', async () => {
    const { running, letGo } = await begun();
    assert.ok(!runs());
    assert.deepEqual(job()?.spec?.template?.spec.affinity, undefined);
    letGo();
    const { status, message, log } = await running.done;
    assert.equal(status, 'completed', message);
    assert.match(log.join('\n'), /bob\/lab: the notebook is started again/);
    assert.ok(runs());
    assertEnded(opened());
  });

  it('have their notebook started again by the next hook when the charm is killed', async () => {
    const { box } = opened();
    const { running, letGo } = await begun();
    assert.ok(!runs());
    running.signal('SIGKILL');
    await running.done.catch(() => undefined);
    letGo();
    assert.ok(!runs());
    assert.equal((await box.hook('update-status')).exitCode, 0);
    assert.ok(runs());
    assertEnded(opened());
  });

  it('are left out while somebody works, or whenever they are used, as one run may say', async () => {
    const { box } = opened();
    for (const [mode, why] of [
      ['idle', /bob\/data: Skipped: somebody works/],
      ['skip', /bob\/data: Skipped: a pod uses it/],
    ] as const) {
      const { status, results, log } = await box.run('backup-volumes', { 'in-use': mode });
      assert.equal(status, 'completed');
      assert.equal(results['skipped'], '1');
      assert.match(log.join('\n'), why);
    }
    assert.ok(runs());
  });
});
