import assert from 'node:assert/strict';
import { startStoppedNotebooks } from '../../../src/volumes/dead-session.ts';
import { type HoldingSession, holdNotebooks } from '../../../src/volumes/claims/hold-notebooks.ts';
import { planVolumes } from '../../../src/volumes/claims/plan.ts';
import type { World } from '../../../src/world.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { FakeCluster } from '../../fakes/cluster.ts';
import { FakeJournal } from '../../fakes/journal.ts';
import { FakeProgress } from '../../fakes/progress.ts';
import { newNotebook, reconcileNotebook } from '../../servers/kubernetes/notebooks.ts';
import { intercept } from '../../rigs/intercept.ts';

const stoppedAnnotation = 'kubeflow-resource-stopped';

/** A process that was killed: nothing that it would do after that is done. */
class Killed extends Error {}

/** alice has two volumes in one notebook. The process can be killed before each of its steps. */
const rig = () => {
  const cluster = new FakeCluster();
  const { store } = cluster;
  const journal = new FakeJournal();
  const state = { steps: 0, killAt: Infinity, afterPatch: (): void => undefined };
  const step = (): void => {
    if ((state.steps += 1) >= state.killAt) throw new Killed();
  };
  store.create('namespaces', '', {
    ...{ apiVersion: 'v1', kind: 'Namespace' },
    metadata: { name: 'alice', labels: { 'app.kubernetes.io/part-of': 'kubeflow-profile' } },
  });
  for (const claim of ['home', 'data'])
    store.create('persistentvolumeclaims', 'alice', {
      ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim' },
      metadata: { namespace: 'alice', name: claim },
      spec: { accessModes: ['ReadWriteOnce'] },
      status: { phase: 'Bound' },
    });
  const notebook = newNotebook({ namespace: 'alice', name: 'lab', claim: 'home', annotations: {} });
  const made = store.create('notebooks', 'alice', notebook);
  reconcileNotebook(store, made);
  const pod = store.get('pods', 'alice', 'lab-0');
  store.patch('pods', 'alice', 'lab-0', {
    spec: {
      volumes: [
        ...(pod.spec?.volumes ?? []),
        { name: 'more', persistentVolumeClaim: { claimName: 'data' } },
      ],
    },
  });
  cluster.onCall = step;
  intercept(cluster, 'patch', (patch) => async (...given) => {
    await patch(...given);
    state.afterPatch();
  });
  const mortal = Object.assign(Object.create(journal) as FakeJournal, {
    recordNotebook: async (...given: Parameters<FakeJournal['recordNotebook']>) => {
      step();
      await journal.recordNotebook(...given);
    },
    removeNotebook: async (...given: Parameters<FakeJournal['removeNotebook']>) => {
      step();
      await journal.removeNotebook(...given);
    },
  });
  const progress = new FakeProgress();
  const operation: HoldingSession = {
    access: { cluster: cluster },
    journal: mortal,
    world: { clock: new FakeClock(), progress, signal: new AbortController().signal },
  };
  const annotation = (): string | undefined =>
    store.get('notebooks', 'alice', 'lab').metadata.annotations?.[stoppedAnnotation];
  return Object.assign(state, {
    ...{ store, journal, operation, progress, annotation },
    runs: () => store.find('pods', 'alice', 'lab-0') !== undefined,
    /** Both volumes, one after the other. */
    backUp: async (work: (claim: string) => Promise<void>): Promise<void> => {
      const use = { mode: 'stop', now: new Date() } as const;
      const all = [{ namespace: 'alice', claim: '*' }];
      const planned = await planVolumes(cluster, all, use);
      const whileStopped = holdNotebooks(operation, planned);
      for (const volume of planned)
        await whileStopped(volume, () => {
          step();
          return work(volume.claim.name);
        });
    },
    nextHook: async (): Promise<void> => {
      state.killAt = Infinity;
      const world: Partial<World> = { journal, openCluster: async () => cluster };
      await startStoppedNotebooks(world as World);
    },
  });
};

describe('a notebook that is stopped for a backup', () => {
  it('is stopped once for all its volumes, and started again after the last', async () => {
    const one = rig();
    const seen: string[] = [];
    await one.backUp(async (claim) => {
      seen.push(`${claim} ${String(one.runs())} ${one.annotation() ?? ''}`);
    });
    const [first = '', second = ''] = seen;
    assert.match(first, /^data false 20/);
    assert.equal(first.replace('data', 'home'), second, 'it did not run in between');
    assert.ok(one.runs());
    assert.deepEqual(await one.journal.stoppedNotebooks(), []);
  });

  it('is started again when the backup of the first and of the last volume fails', async () => {
    for (const failing of ['data', 'home']) {
      const one = rig();
      await assert.rejects(
        one.backUp(async (claim) => {
          if (claim === failing) throw new Error('the backup failed');
        }),
      );
      // The other volume is not begun here, so that the next hook has to see to it.
      await one.nextHook();
      assert.ok(one.runs(), failing);
    }
  });

  it('runs again after the next hook, whenever the charm was killed', async () => {
    const whole = rig();
    await whole.backUp(async () => undefined);
    assert.ok(whole.steps > 8);
    let stopped = 0;
    for (let killAt = 1; killAt <= whole.steps; killAt += 1) {
      const one = rig();
      one.killAt = killAt;
      await assert.rejects(
        one.backUp(async () => undefined),
        Killed,
      );
      if (!one.runs()) stopped += 1;
      await one.nextHook();
      assert.ok(one.runs(), `killed before step ${killAt}`);
      assert.equal(one.annotation(), undefined);
      assert.deepEqual(await one.journal.stoppedNotebooks(), []);
    }
    assert.ok(stopped > 2, 'some kills left it stopped');
  });

  it('stays stopped when its user stopped it meanwhile, or before', async () => {
    const one = rig();
    const byUser = { metadata: { annotations: { [stoppedAnnotation]: '2026-11-26T10:49:30Z' } } };
    await one.backUp(async (claim) => {
      if (claim === 'home') one.store.patch('notebooks', 'alice', 'lab', byUser);
    });
    assert.equal(one.annotation(), '2026-11-26T10:49:30Z');
    assert.deepEqual(await one.journal.stoppedNotebooks(), []);
    const other = rig();
    other.store.patch('notebooks', 'alice', 'lab', byUser);
    setTimeout(() => other.store.remove('pods', 'alice', 'lab-0'), 0);
    await other.backUp(async () => undefined);
    assert.equal(other.annotation(), '2026-11-26T10:49:30Z');
  });

  it('is started again when another pod keeps the volume, of which there is no backup then', async () => {
    const one = rig();
    const pod = one.store.get('pods', 'alice', 'lab-0');
    one.afterPatch = () => {
      one.afterPatch = () => undefined;
      one.store.create('pods', 'alice', {
        ...{ apiVersion: 'v1', kind: 'Pod' },
        metadata: { namespace: 'alice', name: 'viewer' },
        spec: pod.spec,
        status: { phase: 'Running' },
      });
    };
    const begun = one.backUp(async () => assert.fail('it was backed up'));
    await assert.rejects(begun, { code: 'volume-in-use', message: /the pod viewer still has/ });
    await one.nextHook();
    assert.ok(one.runs());
  });
});
