import assert from 'node:assert/strict';
import { layoutOf } from '../../src/repository/layout.ts';
import { backUpVolumes } from '../../src/volumes/back-up-volumes.ts';
import { endKilledSession } from '../../src/volumes/dead-session.ts';
import { sweep } from '../../src/volumes/pods/sweep.ts';
import { oursIn } from '../fakes/cluster.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { intercept } from '../rigs/intercept.ts';
import {
  type VolumeWorldRig,
  aVolumeWorld,
  volumesConfig,
  throughGateway,
} from '../rigs/volume-world.ts';

/** Ten minutes more are given to the Job controller. */
const { volumes: config } = volumesConfig({ deadline: 60_000 });

const bobsWorld = (): VolumeWorldRig => {
  const rig = aVolumeWorld();
  rig.addProfile('bob');
  rig.addVolume('bob/data', { rows: 'many rows' });
  return rig;
};

describe('a pod beside a volume', () => {
  let rig: VolumeWorldRig;
  beforeEach(() => {
    rig = bobsWorld();
  });
  afterEach(() => {
    rig[Symbol.dispose]();
  });

  /** What the record says of the volume, and that nothing of ours is left. */
  const backUp = async (): Promise<string> => {
    const { volumes } = await backUpVolumes(rig.whole, config, { kind: 'all' });
    assert.deepEqual(oursIn(rig.cluster), [], 'nothing of ours is left in the cluster');
    return `${volumes[0]?.code ?? ''} ${volumes[0]?.reason ?? ''}`.replace(
      /ckf-backup-\d{8}t\d{6}z-[0-9a-f]{10}(-\w+)?/,
      '<pod>',
    );
  };
  const whenRoleRuns = (role: string, act: (pod: string) => void): void => {
    rig.restic.instead = async ({ pod }, of) => {
      if (of !== role) return undefined;
      act(pod.metadata.name);
      return new Promise(() => undefined);
    };
  };
  const seconds = (): number => rig.clock.now().getTime() / 1000;

  for (const [what, refuse, expected] of [
    [
      'the quota of its namespace is used up',
      'pods "x" is forbidden: exceeded quota: kf-resource-quota',
      'pods "x" is forbidden: exceeded quota: kf-resource-quota. Raise the profile\'s quota by 1 CPU and the memory of volumes-memory.',
    ],
    [
      'a LimitRange lets no container have so much',
      'pods "x" is forbidden: maximum memory usage per Container is 512Mi, but limit is 1Gi',
      'pods "x" is forbidden: maximum memory usage per Container is 512Mi, but limit is 1Gi. Let the LimitRange of the namespace allow requests of 100m CPU and 256Mi of memory, and limits of 1 CPU and the memory of volumes-memory.',
    ],
    [
      'the pod security does not let it in',
      'pods "x" is forbidden: violates PodSecurity "restricted:latest"',
      'pods "x" is forbidden: violates PodSecurity "restricted:latest". Set volumes-run-as=notebook, or let the namespace enforce the pod security "baseline".',
    ],
    [
      'something else refuses it',
      'denied by a webhook',
      'denied by a webhook. See: kubectl get events',
    ],
  ] as const)
    it(`that is not made because ${what} is named at once, with the cure`, async () => {
      rig.cluster.faults.set('bob/data', { refuse });
      const began = seconds();
      assert.equal(
        await backUp(),
        `volume-not-started bob: the pod <pod> did not start: FailedCreate: Error creating: ${expected}`,
      );
      assert.ok(seconds() - began < 10);
    });

  it('whose image cannot be pulled is named at once', async () => {
    rig.cluster.faults.set('bob/data', { image: 'Back-off pulling image "restic/restic:0"' });
    assert.equal(
      await backUp(),
      'volume-not-started bob: the pod <pod> did not start: Failed: Back-off pulling image "restic/restic:0". Set restic-image and rclone-image to images that the nodes can pull.',
    );
  });

  it('that cannot have its volume is waited for, and named after five minutes', async () => {
    rig.cluster.faults.set('bob/data', { attached: true });
    const began = seconds();
    assert.equal(
      await backUp(),
      'volume-not-started bob: the pod <pod> did not start: FailedAttachVolume: Multi-Attach error for volume "pvc-data" Volume is already exclusively attached to one node and can\'t be attached to another. A pod on another node holds the volume: wait until that pod is gone. When there is none, a node that is down has it still: kubectl get volumeattachments',
    );
    assert.ok(seconds() - began > 300);
  });

  it('is made beside the notebook, also when that has moved since the plan was made', async () => {
    rig.addPod('bob', 'lab-0', 'data');
    rig.restic.instead = (_run, role) => {
      if (role === 'init')
        rig.cluster.store.patch('pods', 'bob', 'lab-0', { spec: { nodeName: 'node-2' } });
      return undefined;
    };
    const began = seconds();
    assert.equal(await backUp(), ' ');
    assert.ok(seconds() - began < 100);
  });

  it('is made again where the notebook is, when that moved before it could start', async () => {
    rig.addPod('bob', 'lab-0', 'data');
    intercept(rig.cluster, 'patch', (patch) => async (kind, ...given) => {
      if (kind === 'jobs')
        rig.cluster.store.patch('pods', 'bob', 'lab-0', { spec: { nodeName: 'node-2' } });
      return patch(kind, ...given);
    });
    assert.equal(await backUp(), ' ');
    assert.equal(rig.cluster.calls.filter((call) => call === 'create jobs bob').length, 2);
  });

  it('that is made again after a while has its five minutes, too', async () => {
    let evicted: number | undefined;
    rig.restic.instead = async ({ pod }, role) => {
      if (role !== 'backup') return undefined;
      const isFirst = evicted === undefined;
      await rig.later(isFirst ? 350 : 200);
      evicted ??= seconds();
      if (!isFirst) return undefined;
      rig.cluster.store.patch('pods', 'bob', pod.metadata.name, {
        status: { conditions: [{ type: 'DisruptionTarget', status: 'True' }] },
      });
      return { exitCode: 137, output: '' };
    };
    // For two minutes its image is pulled on the other node.
    intercept(rig.cluster, 'list', (list) => async (kind, ...given) => {
      const found = await list(kind, ...given);
      if (kind !== 'pods' || evicted === undefined || seconds() > evicted + 120) return found;
      return found.map((pod) => ({ ...pod, fields: { ...pod.fields, status: {} } }));
    });
    assert.equal(await backUp(), ' ');
  });

  it('that failed several times is asked last for its reason, in whatever order they are listed', async () => {
    let nth = 0;
    rig.restic.instead = ({ pod }, role) => {
      if (role !== 'backup') return undefined;
      nth += 1;
      rig.cluster.store.patch('pods', 'bob', pod.metadata.name, {
        metadata: { creationTimestamp: `2026-11-21T03:0${nth}:00Z` },
      });
      return { exitCode: nth < 3 ? 137 : 1, output: `failure ${nth}` };
    };
    intercept(
      rig.cluster,
      'list',
      (list) =>
        async (...given) =>
          (await list(...given)).toReversed(),
    );
    assert.equal(await backUp(), 'volume-command-failed bob/data: restic failed: failure 3');
  });

  it('of which the pull of its image is explained before the last warning', async () => {
    rig.cluster.faults.set('bob/data', {
      image: 'Failed to pull image "restic/restic:0": no such host',
    });
    intercept(rig.cluster, 'list', (list) => async (kind, ...given) => {
      const [pod] = rig.cluster.store.all('pods', 'bob');
      if (kind === 'events' && pod)
        rig.cluster.store.warn(pod, 'Failed', 'Error: ImagePullBackOff');
      return list(kind, ...given);
    });
    assert.match(
      await backUp(),
      /did not start: Failed: Failed to pull image .* no such host\. Set /,
    );
  });

  it('that nobody makes is named after a minute', async () => {
    const patch = rig.cluster.patch.bind(rig.cluster);
    rig.cluster.patch = async (kind, ...given) =>
      kind === 'jobs' ? undefined : patch(kind, ...given);
    assert.equal(
      await backUp(),
      'volume-not-started bob: the pod <pod> did not start: no pod was made. See: kubectl get events',
    );
  });

  it('whose claim was deleted meanwhile is not waited for', async () => {
    rig.restic.instead = (_run, role) => {
      if (role === 'init') rig.cluster.store.remove('persistentvolumeclaims', 'bob', 'data');
      return undefined;
    };
    const began = seconds();
    assert.equal(
      await backUp(),
      'volume-missing bob/data: the claim was deleted before its backup or restore could begin. Earlier backups of it are kept.',
    );
    assert.ok(seconds() - began < 10);
  });

  it('keeps its volume to the end when the claim is deleted after it has started', async () => {
    rig.restic.instead = (_run, role) => {
      if (role === 'backup') rig.cluster.store.remove('persistentvolumeclaims', 'bob', 'data');
      return undefined;
    };
    assert.equal(await backUp(), ' ');
    const [record] = await rig.records();
    assert.equal(record?.volumes[0]?.phase, 'Succeeded');
    assert.equal(record.volumes[0].files, 1);
  });

  it('that is evicted, as often as nodes are drained, is made again and no failure', async () => {
    let evicted = 0;
    rig.restic.instead = ({ pod }, role) => {
      if (role !== 'backup' || evicted === 5) return undefined;
      evicted += 1;
      rig.cluster.store.patch('pods', 'bob', pod.metadata.name, {
        status: { conditions: [{ type: 'DisruptionTarget', status: 'True' }] },
      });
      return { exitCode: 137, output: '' };
    };
    assert.equal(await backUp(), ' ');
    assert.equal(evicted, 5);
    assert.equal((await rig.records())[0]?.volumes[0]?.phase, 'Succeeded');
  });

  it('whose Job somebody deletes is named', async () => {
    whenRoleRuns('backup', () => {
      const [job] = rig.cluster.store.all('jobs', 'bob');
      rig.cluster.store.remove('jobs', 'bob', job?.metadata.name ?? '');
    });
    assert.equal(
      await backUp(),
      'volume-command-failed bob/data: the Job was deleted by somebody in the namespace. Run the action again.',
    );
  });

  const late =
    'volume-command-failed bob/data: restic took longer than 1 minutes (volumes-deadline) and was stopped. What was uploaded is used the next time.';

  it('that takes too long is given up by the Job, or by us when the controller is away', async () => {
    whenRoleRuns('backup', () => {
      const [job] = rig.cluster.store.all('jobs', 'bob');
      rig.cluster.store.patch('jobs', 'bob', job?.metadata.name ?? '', {
        status: { conditions: [{ type: 'Failed', status: 'True', reason: 'DeadlineExceeded' }] },
      });
    });
    assert.equal(await backUp(), late);
    await rig.later(60);
    whenRoleRuns('backup', () => undefined);
    assert.equal(await backUp(), late);
  });

  it('that is gone when its Job failed leaves what the Job says', async () => {
    whenRoleRuns('backup', (pod) => {
      const [job] = rig.cluster.store.all('jobs', 'bob');
      rig.cluster.store.remove('pods', 'bob', pod);
      rig.cluster.store.patch('jobs', 'bob', job?.metadata.name ?? '', {
        status: { conditions: [{ type: 'Failed', status: 'True', message: 'the node is gone' }] },
      });
    });
    assert.equal(
      await backUp(),
      'volume-command-failed bob/data: its pod is gone: the node is gone',
    );
  });

  it('whose last words are no JSON are shown as they are', async () => {
    rig.restic.instead = (_run, role) =>
      role === 'backup' ? { exitCode: 1, output: 'panic: index out of range\nmore' } : undefined;
    assert.equal(
      await backUp(),
      'volume-command-failed bob/data: restic failed: panic: index out of range',
    );
  });
});

describe('a pod of the model’s namespace', () => {
  let rig: VolumeWorldRig;
  beforeEach(() => {
    rig = bobsWorld();
  });
  afterEach(() => {
    rig[Symbol.dispose]();
  });
  const backUp = async (): Promise<string> => {
    const { volumes } = await backUpVolumes(rig.whole, config, { kind: 'all' });
    return `${volumes[0]?.code ?? ''} ${volumes[0]?.reason ?? ''}`.replace(
      /ckf-backup-\d{8}t\d{6}z-[0-9a-f]{10}/g,
      '<pod>',
    );
  };
  /** What the kubelet says of the next pods in place of starting them. */
  const standStill = (state: object): void => {
    intercept(rig.cluster, 'create', (create) => async (kind, manifest) => {
      if (kind !== 'pods') return create(kind, manifest);
      const { namespace, name } = manifest.metadata;
      rig.cluster.store.create('pods', namespace, manifest);
      rig.cluster.store.patch('pods', namespace, name, {
        status: { containerStatuses: [{ name: 'rclone', ready: false, state }] },
      });
      const found = await rig.cluster.read('pods', namespace, name);
      return found ?? assert.fail();
    });
  };

  for (const [what, state, expected] of [
    [
      'whose image cannot be pulled',
      { waiting: { reason: 'ErrImagePull', message: 'no such image' } },
      'no such image. Set restic-image and rclone-image to images that the nodes can pull.',
    ],
    [
      'of which rclone ended',
      { terminated: { exitCode: 1, reason: 'Error', message: 'wrong endpoint\nmore' } },
      'rclone ended with status 1: wrong endpoint. See: kubectl get events',
    ],
    [
      'that does not become ready',
      { waiting: { reason: 'ContainerCreating' } },
      'ContainerCreating. See: kubectl get events',
    ],
  ] as const)
    it(`${what} is named, and gone`, async () => {
      standStill(state);
      assert.equal(
        await backUp(),
        `volume-not-started kubeflow: the pod <pod> did not start: ${expected}`,
      );
      assert.deepEqual(oursIn(rig.cluster), []);
    });

  it('that somebody deletes is named', async () => {
    rig.restic.instead = async ({ pod }, role) => {
      if (role !== 'init') return undefined;
      rig.cluster.store.remove('pods', 'kubeflow', pod.metadata.name);
      return new Promise(() => undefined);
    };
    assert.equal(
      await backUp(),
      'volume-command-failed The pod <pod> of the namespace kubeflow was deleted, by somebody or because its node was drained. Run the action again.',
    );
    assert.deepEqual(oursIn(rig.cluster), []);
  });

  it('that does not end in an hour is stopped', async () => {
    rig.restic.instead = (_run, role) =>
      role === 'init' ? new Promise(() => undefined) : undefined;
    assert.equal(
      await backUp(),
      'volume-command-failed restic init on the repository bob did not end in 60 minutes and was stopped. Run the action again.',
    );
    assert.deepEqual(oursIn(rig.cluster), []);
  });

  it('that was never made leaves no Secret', async () => {
    intercept(rig.cluster, 'create', (create) => async (kind, manifest) => {
      if (kind === 'pods') throw new Error('a bug');
      return create(kind, manifest);
    });
    await assert.rejects(backUp(), /a bug/);
    assert.deepEqual(oursIn(rig.cluster), []);
  });

  it('that does not go is named, with the command that ends it', async () => {
    const putBack = intercept(rig.cluster, 'remove', (remove) => async (kind, namespace, name) => {
      if (kind !== 'pods') await remove(kind, namespace, name);
    });
    const one =
      'The pod <pod> does not end. Its node may be down. Run: kubectl delete pod --namespace kubeflow <pod> --force';
    assert.equal(await backUp(), `kubernetes-refused ${one} Then: ${one}`, 'restic, and rclone');
    assert.equal((await rig.records())[0]?.phase, 'Failed', 'the others would have gone on');
    assert.ok(oursIn(rig.cluster).includes('pods kubeflow'));
    const { message } = await rejectsWithCode(
      sweep(rig.cluster, { clock: rig.clock, patience: 30 }),
      'kubernetes-refused',
    );
    assert.match(message, /^Pods of a session that died do not end\. Their node may be down\./);
    putBack();
    await sweep(rig.cluster, { clock: rig.clock, patience: 30 });
    assert.deepEqual(oursIn(rig.cluster), []);
  });

  it('is swept away with all that a killed session has left, and its record says so', async () => {
    const held = new Promise<undefined>(() => undefined);
    rig.restic.instead = async (_run, role) => (role === 'backup' ? held : undefined);
    void backUpVolumes(rig.whole, config, { kind: 'all' });
    while (!rig.restic.commands.includes('backup: backup')) await rig.later(1);
    rig.store.seed(
      `${layoutOf('ckf').repository('bob')}locks/of-the-killed-pod`,
      'a lock',
      throughGateway,
    );
    assert.deepEqual(oursIn(rig.cluster), [
      ...['jobs bob', 'pods kubeflow', 'pods bob', 'secrets kubeflow', 'secrets bob'],
    ]);
    const operator = `${layoutOf('ckf').repository('bob')}locks/of-an-operator`;
    rig.store.seed(operator, 'a lock');
    await endKilledSession(rig.whole);
    assert.deepEqual(oursIn(rig.cluster), []);
    assert.deepEqual(rig.keysOf('bob', 'locks'), [operator], 'only ours are taken away');
    const [record] = await rig.records();
    assert.deepEqual([record?.phase, record?.volumes[0]?.code], ['Failed', 'interrupted']);
  });
});
