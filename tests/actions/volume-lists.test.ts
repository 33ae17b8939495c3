import assert from 'node:assert/strict';
import { getVolumeKey } from '../../src/actions/get-volume-key.ts';
import { listVolumeBackups } from '../../src/actions/list-volume-backups.ts';
import { listVolumes } from '../../src/actions/list-volumes.ts';
import { volumeStatus } from '../../src/actions/volume-status.ts';
import { backUpVolumes } from '../../src/volumes/back-up-volumes.ts';
import { keyFingerprint, repositoryPassword } from '../../src/volumes/restic/keys.ts';
import { verifyRepositories } from '../../src/volumes/verify-repositories.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import {
  type VolumeWorldRig,
  aVolumeWorld,
  volumesConfig,
  volumesKey,
} from '../rigs/volume-world.ts';

const config = volumesConfig();

/** A table, its columns one space apart. */
const lines = (table = ''): readonly string[] =>
  table.split('\n').map((line) => line.replaceAll(/ +/g, ' '));

describe('what operators see of volumes', () => {
  let rig: VolumeWorldRig;
  beforeEach(() => {
    rig = aVolumeWorld();
    for (const user of ['alice', 'bob']) rig.addProfile(user);
    rig.addVolume('alice/home', { thesis: 'words', notes: 'w' });
    rig.addVolume('bob/data', { rows: 'many rows' });
  });
  afterEach(() => {
    rig[Symbol.dispose]();
  });
  const backUp = async (): Promise<string> => {
    const { id } = await backUpVolumes(rig.whole, config.volumes, { kind: 'all' });
    await rig.later(3600);
    return id;
  };
  const verify = (readData?: string) =>
    verifyRepositories(rig.whole, config.volumes, {
      ...{ namespace: undefined, readData, testRestore: undefined },
    });

  it('are volumes with their users, last backups, and why they are left out', async () => {
    rig.addPod('alice', 'lab-0', 'home');
    rig.cluster.store.patch('persistentvolumeclaims', 'bob', 'data', {
      metadata: { annotations: { 'ckf-backup/paused': 'true' } },
    });
    await backUp();
    const { volumes } = await listVolumes(rig.whole, config, { namespace: '' });
    assert.deepEqual(lines(volumes), [
      'VOLUME SIZE ACCESS USED-BY LAST-BACKUP STATE',
      'alice/home 5Gi ReadWriteOnce lab-0 1h0m ago covered',
      'bob/data 5Gi ReadWriteOnce - never paused: paused by the annotation ckf-backup/paused',
    ]);
    const of = async (namespace: string) =>
      lines((await listVolumes(rig.whole, config, { namespace }))['volumes']);
    assert.equal((await of('bob')).length, 2);
    assert.deepEqual(await of('carol'), [
      'There are no volumes in the namespaces that the option volumes means.',
    ]);
  });

  it('are the backups of a volume, newest first, and what is proven of them', async () => {
    const first = await backUp();
    rig.addPod('alice', 'lab-0', 'home');
    rig.restic.unreadable.add('notes');
    const second = await backUp();
    const list = async (parameters: object) =>
      lines((await listVolumeBackups(rig.whole, config, { ...parameters }))['backups']);
    const volume = 'alice/home';
    assert.deepEqual(await list({ volume }), [
      'BACKUP AGE FILES SIZE ADDED LIVE COMPLETE PROVEN',
      `${second} 1h0m 1 5 B 0 B yes no -`,
      `${first} 2h0m 2 6 B 6 B no yes -`,
    ]);
    await verify();
    const [, newest = '', ...others] = await list({ volume, limit: 1 });
    assert.match(newest, new RegExp(`^${second} .* checked \\d+s ago$`));
    assert.deepEqual(others, []);
    assert.deepEqual(await list({ volume: 'alice/nothing' }), [
      'There are no backups of this volume.',
    ]);
    await rejectsWithCode(list({ volume: 'alice' }), 'parameter-invalid');
  });

  it('are the repositories, with whether they are intact', async () => {
    const status = async (namespace = '') =>
      lines(
        (await volumeStatus(rig.whole, config, { namespace, format: 'table' }))['repositories'],
      );
    assert.deepEqual(await status(), ['There are no repositories of volumes.']);
    await backUp();
    const [head, alice] = await status();
    assert.equal(
      head,
      'REPOSITORY INTEGRITY SIZE SNAPSHOT-COUNT LAST-SUCCESSFUL-BACKUP AGE PROVEN',
    );
    assert.match(alice ?? '', /^alice unknown [\d.]+ (B|KiB) 1 1h0m ago 1h0m -$/);
    rig.store.bucket.remove(rig.keysOf('bob', 'data')[0] ?? '');
    await verify();
    // A user can make snapshots, too.
    rig.store.seed(`${rig.keysOf('alice', 'snapshots')[0] ?? ''}0`, 'a snapshot');
    const [, checked, damaged] = await status();
    assert.match(checked ?? '', /^alice true .* 1 \(\+1 unknown\) 1h0m ago 1h0m checked \d+s ago$/);
    assert.match(damaged ?? '', /^bob false .* 1 1h0m ago 1h0m DAMAGED \d+s ago$/);
    assert.equal((await status('bob')).length, 2);
  });

  it('are the repositories as JSON, with sizes in bytes', async () => {
    rig.restic.unreadable.add('rows');
    await backUp();
    const json = async () => {
      const parameters = { namespace: 'bob', format: 'json' };
      const { repositories = '' } = await volumeStatus(rig.whole, config, parameters);
      return (JSON.parse(repositories) as Record<string, unknown>[])[0] ?? {};
    };
    const { size, age, ...bob } = await json();
    assert.ok(Number(size) > 0);
    assert.ok(Number(age) >= 3600 && Number(age) < 3660);
    assert.deepEqual(bob, {
      ...{ repository: 'bob', namespace: 'bob', integrity: 'unknown', volumes: 1 },
      ...{ 'snapshot-count': 1, 'unknown-snapshots': 0, 'last-successful-backup': null },
      'key-fingerprint': keyFingerprint(volumesKey),
    });
    await verify('1/1');
    const { at, ...proven } = (await json())['proven'] as Record<string, unknown>;
    assert.deepEqual(proven, { by: 'data', intact: true });
    assert.ok(!Number.isNaN(Date.parse(String(at))));
  });

  it('are the commands that open a repository by hand, and its password when it is asked for', async () => {
    const ask = (parameters: object) => getVolumeKey(rig.whole, config, { ...parameters });
    const { message } = await rejectsWithCode(ask({ namespace: 'bob' }), 'volume-backup-missing');
    assert.match(message, /^The namespace bob has no repository, because none of its volumes/);
    await backUp();
    const fingerprint = keyFingerprint(volumesKey);
    const hidden = await ask({ namespace: 'bob' });
    assert.deepEqual(lines(hidden['repositories']), [
      'REPOSITORY CREATED FINGERPRINT VOLUMES-KEY',
      `bob 2026-11-21 ${fingerprint} opens it`,
    ]);
    assert.equal(hidden['passwords'], undefined);
    assert.match(
      hidden['how-to'] ?? '',
      /^export RESTIC_PASSWORD=.* ckf-backup\/volumes\/bob .*\nrestic -r s3:http:\/\/s3\.test\/backups\/ckf\/volumes\/repos\/bob snapshots$/,
    );
    const shown = await ask({ namespace: 'bob', reveal: true });
    const password = repositoryPassword(volumesKey, 'bob');
    assert.deepEqual(lines(shown['passwords']), ['REPOSITORY PASSWORD', `bob ${password}`]);
    rig.key = 'another key';
    const other = await ask({ namespace: 'bob', reveal: true });
    assert.equal(lines(other['repositories'])[1], `bob 2026-11-21 ${fingerprint} is another`);
    assert.equal(other['passwords'], undefined, 'this key opens none');
  });
});
