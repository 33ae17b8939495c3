import assert from 'node:assert/strict';
import { backupVolumes } from '../../src/actions/backup-volumes.ts';
import { showSession } from '../../src/actions/show-session.ts';
import { layoutOf } from '../../src/repository/layout.ts';
import { endKilledSession } from '../../src/volumes/dead-session.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { type VolumeWorldRig, aVolumeWorld, volumesConfig } from '../rigs/volume-world.ts';

const layout = layoutOf('ckf');
const config = volumesConfig();
const before = 'ckf-backup of model kubeflow: the backup of volumes';

describe('who is to be told of backups of volumes', () => {
  let rig: VolumeWorldRig;
  let told: string[];
  beforeEach(() => {
    rig = aVolumeWorld();
    told = [];
    rig.addProfile('alice');
    rig.addVolume('alice/home', { 'thesis.md': 'words' });
    rig.addVolume('alice/data', { rows: 'many rows' });
  });
  afterEach(() => {
    rig[Symbol.dispose]();
  });

  const world = () => ({
    ...rig.whole,
    ...{ application: 'ckf-backup', model: { name: 'kubeflow', uuid: '' }, task: '17' },
    openNotifier: async (about?: string) => ({
      send: async ({ kind, text }: { readonly kind: string; readonly text: string }) => {
        told.push(`${about ?? ''} ${kind} ${text.replace(before, '…')}`);
      },
    }),
  });
  const backUp = (parameters: Readonly<Record<string, unknown>> = {}) =>
    backupVolumes(world(), config, parameters);
  const newest = async (): Promise<string> => (await rig.records())[0]?.id ?? '';

  it('hears when one begins, and what it came to', async () => {
    await backUp();
    const id = await newest();
    assert.deepEqual(
      told.map((text) => text.replace(/in \d+\S*,/, 'in …,')),
      [
        `volumes started … ${id} began.`,
        `volumes succeeded … ${id} succeeded in …, 2 volumes, 14 B added.`,
      ],
    );
  });

  it('hears which volumes failed, and which command shows more', async () => {
    rig.cluster.faults.set('alice/data', { refuse: 'denied by a webhook' });
    await rejectsWithCode(backUp(), 'volumes-failed');
    const id = await newest();
    assert.match(
      told[1] ?? '',
      /^volumes failed … \S+ failed in part: 1 of 2 volumes \(alice\/data\)\. alice: the pod .* denied by a webhook.*\[volume-not-started\] See: juju run ckf-backup\/leader show-session session=/,
    );
    const shown = await showSession(world(), config, { session: id });
    assert.equal(shown['phase'], 'PartiallyFailed');
    assert.match(shown['volumes'] ?? '', /^alice\/home +Succeeded +1 +5 B +5 B +no/m);
    assert.match(
      shown['volumes'] ?? '',
      /^alice\/data +Failed +- +- +- +no +\[volume-not-started\]/m,
    );
    assert.match(
      shown['log'] ?? '',
      /Z alice: backing up 2 volumes\n(.*\n)*.*Z alice\/data: Failed: /,
    );
    await rejectsWithCode(
      showSession(world(), config, { session: '20200101t000000z' }),
      'session-missing',
    );
  });

  it('hears of one that was refused before it could begin', async () => {
    await rejectsWithCode(backUp({ volumes: 'nobody/*' }), 'volume-missing');
    assert.match(
      told[0] ?? '',
      /^volumes failed … failed\. .*\[volume-missing\] See: juju show-task 17$/,
    );
  });

  it('hears of one that was killed from the next hook, once', async () => {
    rig.restic.instead = () => new Promise(() => undefined);
    void backUp().catch(() => undefined);
    await rig.later(60);
    for (const lock of rig.store.bucket.after(`${layout.volumes}/locks/`, ''))
      rig.store.bucket.remove(lock.key);
    for (const hook of [1, 2]) {
      await endKilledSession(world());
      assert.equal(told.length, 2, `hook ${hook}`);
    }
    assert.match(
      told[1] ?? '',
      /^volumes failed … \S+ failed: 2 of 2 volumes .*The charm was killed/,
    );
  });

  it('hears nothing of what an operator asked for with other actions', async () => {
    await backUp();
    told = [];
    const { verifyVolumes } = await import('../../src/actions/verify-volumes.ts');
    await rig.later(60);
    await verifyVolumes(world(), config, {}, []);
    assert.deepEqual(told, []);
  });
});
