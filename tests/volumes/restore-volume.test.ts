import assert from 'node:assert/strict';
import { layoutOf } from '../../src/repository/layout.ts';
import { backUpVolumes } from '../../src/volumes/back-up-volumes.ts';
import { type RestoreVolumeRequest } from '../../src/volumes/restore-plan.ts';
import { restoreVolume } from '../../src/volumes/restore-volume.ts';
import { oursIn } from '../fakes/cluster.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import {
  type VolumeWorldRig,
  aVolumeWorld,
  volumesConfig,
  throughGateway,
} from '../rigs/volume-world.ts';

const { volumes: config } = volumesConfig();
const volume = { namespace: 'bob', claim: 'data' };

describe('the restore of a volume', () => {
  let rig: VolumeWorldRig;
  let backup: string;
  beforeEach(async () => {
    rig = aVolumeWorld();
    for (const user of ['alice', 'bob']) rig.addProfile(user);
    rig.addVolume('bob/data', { 'rows/1': 'one', 'rows/2': 'two', notes: 'words' });
    backup = (await backUpVolumes(rig.whole, config, { kind: 'all' })).id;
    await rig.later(3600);
    rig.progress.steps.length = 0;
    rig.cluster.calls.length = 0;
  });
  afterEach(() => {
    assert.deepEqual(oursIn(rig.cluster), [], 'nothing of ours is left in the cluster');
    rig[Symbol.dispose]();
  });

  const restore = (changes: Partial<RestoreVolumeRequest> = {}) =>
    restoreVolume(rig.whole, config, {
      ...{ volume, backup: { kind: 'latest' }, to: undefined, into: undefined },
      ...{ include: undefined, deleteExtra: false, create: false, dryRun: false },
      confirm: 'bob/data',
      ...changes,
    });
  const files = (name = 'bob/data') => Object.fromEntries(rig.restic.filesOf(name));
  const all = { 'rows/1': 'one', 'rows/2': 'two', notes: 'words' };
  const changing = (): boolean =>
    rig.cluster.calls.some((call) => /^(create|patch|remove)/.test(call));

  it('in place saves first what is there, and then replaces it', async () => {
    rig.restic.filesOf('bob/data').set('rows/1', 'spoiled').set('extra', 'made since');
    const { session, safetyBackup, plan } = await restore();
    assert.equal(plan.overwrites, true);
    assert.deepEqual(files(), { ...all, extra: 'made since' });
    const [restored, saved, first] = await rig.records();
    assert.deepEqual([restored?.id, saved?.id, first?.id], [session, safetyBackup, backup]);
    assert.deepEqual([restored?.kind, restored?.phase], ['restore', 'Succeeded']);
    assert.deepEqual(rig.progress.steps, [
      'bob/data: backing up what is there now',
      'bob: backing up 1 volume',
      `bob/data: restoring ${backup}`,
    ]);
    await rig.later(60);
    await restore({ backup: { kind: 'session', id: safetyBackup ?? '' }, deleteExtra: true });
    assert.deepEqual(files(), { ...all, 'rows/1': 'spoiled', extra: 'made since' });
  });

  it('with delete-extra removes what the backup does not have', async () => {
    rig.restic.filesOf('bob/data').set('extra', 'made since');
    await restore({ deleteExtra: true });
    assert.deepEqual(files(), all);
  });

  it('into a folder touches nothing that is there, also while a notebook runs', async () => {
    rig.addPod('bob', 'lab-0', 'data');
    rig.restic.filesOf('bob/data').set('rows/1', 'newer').set('back/notes', 'mine');
    const first = await restore({ into: 'back', confirm: '' });
    assert.equal(first.safetyBackup, undefined, 'nothing could be overwritten');
    assert.equal(first.folder, `back/${first.session ?? ''}`);
    const { folder: second = '' } = await restore({ into: 'back', include: '/notes', confirm: '' });
    assert.deepEqual(files(), {
      ...{ ...all, 'rows/1': 'newer', 'back/notes': 'mine' },
      ...{ [`${first.folder}/rows/1`]: 'one', [`${first.folder}/rows/2`]: 'two' },
      ...{ [`${first.folder}/notes`]: 'words', [`${second}/notes`]: 'words' },
    });
  });

  it('into a folder has the user of the notebook make it, or else root', async () => {
    rig.addPod('bob', 'lab-0', 'data');
    const folder = async (makes: number) => {
      const runs: (readonly [number | undefined, boolean])[] = [];
      rig.restic.instead = ({ pod: { spec }, command }, role) => {
        if (role !== 'restore') return undefined;
        const [container] = spec?.containers ?? [];
        const { runAsUser } = { ...spec?.securityContext, ...container?.securityContext };
        runs.push([runAsUser, command.some((word) => word.startsWith('--include'))]);
        return runs.length === 1 && makes > 0 ? { exitCode: makes, output: 'denied' } : undefined;
      };
      const { folder: made = '' } = await restore({ into: 'back', confirm: '' });
      assert.equal(files()[`${made}/notes`], 'words');
      return runs;
    };
    const both = [
      [1000, true],
      [0, false],
    ];
    assert.deepEqual(await folder(0), both);
    assert.doesNotMatch(rig.progress.notes.join(), /root/);
    assert.deepEqual(await folder(1), both);
    assert.match(
      rig.progress.notes.join(),
      /bob\/data: \/back\/\w+ will belong to root, because the user of the notebook may not make it: denied$/,
    );
  });

  it('into a folder says where a part of it may lie when it fails', async () => {
    const [pack = ''] = rig.keysOf('bob', 'data');
    rig.store.seed(pack, 'spoiled');
    const { message } = await rejectsWithCode(restore({ into: 'back' }), 'volume-command-failed');
    const [record] = await rig.records();
    assert.ok(
      message.endsWith(
        `: unexpected contents. What was restored by then, if anything, is in /back/${record?.id ?? ''} and can be removed.`,
      ),
      message,
    );
    assert.equal(record?.volumes[0]?.reason, message);
  });

  it('of a part brings that part alone', async () => {
    rig.restic.volumes.set('bob/data', new Map());
    rig.restic.filesOf('bob/data').set('other', 'x');
    const { included } = await restore({ include: '/rows' });
    assert.deepEqual(files(), { other: 'x', 'rows/1': 'one', 'rows/2': 'two' });
    assert.deepEqual(included, { files: 2, bytes: 6 });
  });

  it('of a part that the backup does not have is refused, and makes no claim', async () => {
    rig.cluster.store.remove('persistentvolumeclaims', 'bob', 'data');
    const { message } = await rejectsWithCode(
      restore({ include: '/thesis', create: true }),
      'parameter-invalid',
    );
    assert.equal(
      message,
      `Nothing in the backup ${backup} of bob/data is called /thesis (include). Nothing was restored. Give a path from the root of the volume, such as /thesis/chapter-1.ipynb. Without include everything comes back.`,
    );
    assert.equal(rig.cluster.store.find('persistentvolumeclaims', 'bob', 'data'), undefined);
    const [record] = await rig.records();
    assert.deepEqual([record?.phase, record?.volumes[0]?.reason], ['Failed', message]);
  });

  it('makes the claim as it was when it is gone and that was asked for', async () => {
    rig.cluster.store.remove('persistentvolumeclaims', 'bob', 'data');
    rig.restic.volumes.delete('bob/data');
    const { message } = await rejectsWithCode(restore(), 'volume-missing');
    assert.equal(
      message,
      'There is no volume bob/data. With create=true it is made as it was: 5Gi, ReadWriteOnce.',
    );
    const { safetyBackup, plan } = await restore({ create: true, confirm: '' });
    assert.deepEqual([safetyBackup, plan.overwrites], [undefined, false]);
    assert.deepEqual(files(), all);
    const made = rig.cluster.store.get('persistentvolumeclaims', 'bob', 'data');
    assert.deepEqual(made.spec, {
      ...{ accessModes: ['ReadWriteOnce'], storageClassName: 'csi' },
      resources: { requests: { storage: '5Gi' } },
    });
  });

  it('onto another volume needs the confirmation of that one', async () => {
    rig.addVolume('bob/second', { mine: 'mine' });
    const to = { namespace: 'bob', claim: 'second' };
    const { message } = await rejectsWithCode(restore({ to }), 'parameter-invalid');
    assert.equal(
      message,
      'This replaces files in bob/second. Nothing was changed yet. Run the action again with confirm=bob/second, with dry-run=true to see what it would do, or with into=<folder>.',
    );
    await restore({ to, confirm: 'bob/second' });
    assert.deepEqual(files('bob/second'), { ...all, mine: 'mine' });
  });

  it('changes nothing in a dry run', async () => {
    const before = rig.store.objects;
    const { plan, session } = await restore({ dryRun: true, confirm: '' });
    assert.deepEqual([plan.backup.session, plan.overwrites, session], [backup, true, undefined]);
    assert.deepEqual(rig.store.objects, before);
    assert.ok(!changing());
  });

  for (const [what, prepare, changes, code, message] of [
    [
      'into another namespace, where others would read the password',
      () => undefined,
      { to: { namespace: 'alice', claim: 'home' } },
      'parameter-invalid',
      /^A volume can only be restored in its own namespace, bob: a Job in alice would need/,
    ],
    [
      'while there is no namespace',
      () => rig.cluster.store.remove('namespaces', '', 'bob'),
      {},
      'volume-missing',
      /^There is no namespace bob\. Make the profile first, for the same owner/,
    ],
    [
      'of a former owner of the namespace',
      () =>
        rig.cluster.store.patch('namespaces', '', 'bob', {
          metadata: { uid: 'another', annotations: { owner: 'mallory@example.com' } },
        }),
      {},
      'volume-backup-missing',
      /belongs to a former profile bob of another owner, and cannot be restored into this one\.$/,
    ],
    [
      'that has no such backup',
      () => undefined,
      { backup: { kind: 'session', id: '20200101t000000z' } },
      'volume-backup-missing',
      /^There is no backup 20200101t000000z of the volume bob\/data\. Nothing was changed/,
    ],
    [
      'over a volume that a pod uses',
      () => {
        rig.addPod('bob', 'lab-0', 'data');
      },
      {},
      'volume-in-use',
      /^bob\/data is in use by the pod lab-0\. Nothing was restored\. Stop the notebook/,
    ],
    [
      'to a volume that is too small',
      () => {
        rig.addVolume('bob/small', {}, { resources: { requests: { storage: '4' } } });
      },
      { to: { namespace: 'bob', claim: 'small' } },
      'parameter-invalid',
      /^The backup has 11 B and bob\/small has room for 4 B\. Nothing was changed\./,
    ],
    [
      'into a block device',
      () =>
        rig.cluster.store.patch('persistentvolumeclaims', 'bob', 'data', {
          spec: { volumeMode: 'Block' },
        }),
      {},
      'parameter-invalid',
      /^bob\/data is a block device, which has no files\. Nothing was restored\. Restore to another volume with to=<claim>\.$/,
    ],
    [
      'into a claim that is being deleted',
      () =>
        rig.cluster.store.patch('persistentvolumeclaims', 'bob', 'data', {
          metadata: { deletionTimestamp: '2026-11-21T20:15:00Z' },
        }),
      {},
      'volume-missing',
      /^bob\/data is being deleted\. Nothing was restored\. Wait until it is gone/,
    ],
    [
      'with another key',
      () => {
        rig.key = 'another key';
      },
      {},
      'volumes-key-changed',
      /Put the former key back/,
    ],
  ] as const)
    it(`is refused ${what}, and changes nothing`, async () => {
      prepare();
      const records = await rig.records();
      for (const dryRun of [true, false]) {
        const problem = await rejectsWithCode(restore({ ...changes, dryRun }), code);
        assert.match(problem.message, message);
      }
      assert.ok(!changing());
      assert.deepEqual(await rig.records(), records);
    });

  it('to a volume that is too small brings the part that fits', async () => {
    rig.addVolume('bob/small', {}, { resources: { requests: { storage: '4' } } });
    await restore({
      ...{ to: { namespace: 'bob', claim: 'small' }, confirm: 'bob/small', include: '/rows/1' },
    });
    assert.deepEqual(files('bob/small'), { 'rows/1': 'one' });
  });

  it('restores nothing when what is there could not be saved', async () => {
    rig.restic.instead = (_run, role) =>
      role === 'backup' ? { exitCode: 1, output: 'no space left' } : undefined;
    rig.restic.filesOf('bob/data').set('rows/1', 'newer');
    const { message } = await rejectsWithCode(restore(), 'volumes-failed');
    assert.equal(
      message,
      'What is in bob/data now could not be backed up, so nothing was restored. Restore into a folder with into=<folder>, or mend this first: bob/data: restic failed: no space left',
    );
    assert.equal(files()['rows/1'], 'newer');
    assert.ok(!rig.restic.commands.includes('restore: restore'));
  });

  it('saves also what no backup of all volumes takes, because it is overwritten', async () => {
    rig.cluster.store.patch('persistentvolumeclaims', 'bob', 'data', {
      metadata: {
        annotations: { 'ckf-backup/paused': 'true' },
        ownerReferences: [{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', uid: 'x' }],
      },
    });
    rig.restic.filesOf('bob/data').set('rows/1', 'newer');
    const { safetyBackup } = await restore();
    assert.notEqual(safetyBackup, undefined);
    assert.equal((await rig.records())[1]?.volumes[0]?.phase, 'Succeeded');
  });

  it('has nothing to save in a claim that no volume is bound to, paused or not', async () => {
    rig.addVolume('bob/second');
    rig.cluster.store.patch('persistentvolumeclaims', 'bob', 'second', {
      metadata: { annotations: { 'ckf-backup/paused': 'true' } },
      status: { phase: 'Pending' },
    });
    const to = { namespace: 'bob', claim: 'second' };
    const { safetyBackup } = await restore({ to, confirm: 'bob/second' });
    assert.equal(safetyBackup, undefined);
    assert.deepEqual(files('bob/second'), all);
  });

  it('has nothing to save in a claim without files', async () => {
    rig.restic.volumes.set('bob/data', new Map());
    const { safetyBackup } = await restore();
    assert.equal(safetyBackup, undefined);
    assert.deepEqual(files(), all);
  });

  it('looks again whether a pod uses the volume when it is about to begin', async () => {
    rig.restic.instead = (_run, role) => {
      if (role === 'backup') rig.addPod('bob', 'lab-0', 'data');
      return undefined;
    };
    rig.restic.filesOf('bob/data').set('rows/1', 'newer');
    const { message } = await rejectsWithCode(restore(), 'volume-in-use');
    assert.equal(files()['rows/1'], 'newer');
    const [record] = await rig.records();
    assert.deepEqual(
      [record?.kind, record?.phase, record?.volumes[0]?.reason],
      ['restore', 'Failed', message],
    );
  });

  it('says what restic complained of, and its record says it too', async () => {
    const [pack = ''] = rig.keysOf('bob', 'data');
    rig.store.seed(pack, 'spoiled');
    rig.restic.volumes.set('bob/data', new Map());
    const { message } = await rejectsWithCode(restore(), 'volume-command-failed');
    assert.match(message, /^bob\/data: restic failed: \/[a-z0-9/]+: unexpected contents$/);
    const [record] = await rig.records();
    assert.deepEqual([record?.phase, record?.volumes[0]?.reason], ['Failed', message]);
    assert.equal(await rig.journal.volumeSession(), undefined);
  });

  describe('whose gateway dies', () => {
    /** So many die when restic has begun; it then waits for an hour. */
    const killGateways = (most: number): void => {
      let killed = 0;
      rig.restic.instead = async (_run, role) => {
        if (role !== 'restore' || (killed += 1) > most) return undefined;
        for (const { metadata } of rig.cluster.store.list(
          ...(['pods', 'kubeflow', 'ckf-backup/role=gateway'] as const),
        ))
          rig.cluster.store.remove('pods', 'kubeflow', metadata.name);
        await rig.later(3600);
        return { exitCode: 1, output: '' };
      };
    };
    const seconds = (): number => rig.clock.now().getTime() / 1000;

    it('goes on through a new one, once, in the same folder', async () => {
      killGateways(1);
      const began = seconds();
      const { folder = '' } = await restore({ into: 'back', confirm: '' });
      assert.equal(files()[`${folder}/notes`], 'words');
      assert.ok(seconds() - began < 300);
      assert.match(rig.progress.notes.join('\n'), /^bob: the pod of the gateway ended; the rest/m);
      killGateways(2);
      const { message } = await rejectsWithCode(restore({ into: 'back' }), 'volume-command-failed');
      assert.match(message, /^bob: the pod of the gateway ended before .* and can be removed\.$/);
    });
  });

  it('leaves the locks of an operator who works there', async () => {
    const lock = `${layoutOf('ckf').repository('bob')}locks/of-an-operator`;
    rig.store.seed(lock, 'a lock');
    await restore({ into: 'back', confirm: '' });
    assert.ok(rig.store.bucket.find(lock));
  });

  it('leaves those of an operator who began meanwhile, and takes those of its own pods', async () => {
    const locks = `${layoutOf('ckf').repository('bob')}locks/`;
    rig.restic.instead = (_run, role) => {
      if (role === 'restore') {
        rig.store.seed(`${locks}of-a-killed-pod`, 'a lock', throughGateway);
        rig.store.seed(`${locks}of-an-operator`, 'a lock');
      }
      return undefined;
    };
    await restore({ into: 'back', confirm: '' });
    assert.deepEqual(rig.keysOf('bob', 'locks'), [`${locks}of-an-operator`]);
  });
});
