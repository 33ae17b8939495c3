import assert from 'node:assert/strict';
import { layoutOf } from '../../src/repository/layout.ts';
import { backUpVolumes } from '../../src/volumes/back-up-volumes.ts';
import { endKilledSession } from '../../src/volumes/dead-session.ts';
import {
  type DeleteBackupsReport,
  type DeleteBackupsRequest,
  deleteBackups,
} from '../../src/volumes/delete-backups.ts';
import type { StoredBackup } from '../../src/volumes/records/stored-backups.ts';
import { oursIn } from '../fakes/cluster.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { intercept } from '../rigs/intercept.ts';
import { type VolumeWorldRig, aVolumeWorld, volumesConfig } from '../rigs/volume-world.ts';

const layout = layoutOf('ckf');
const { volumes: config } = volumesConfig();

describe('the removal of backups of volumes', () => {
  let rig: VolumeWorldRig;
  /** The sessions, oldest first, an hour from one to the next. */
  let made: string[];
  const prepare = async (): Promise<void> => {
    rig = aVolumeWorld();
    for (const user of ['alice', 'bob']) rig.addProfile(user);
    for (const volume of ['alice/home', 'bob/data', 'bob/other'])
      rig.addVolume(volume, { same: `of ${volume}` });
    made = [];
    for (const day of ['first', 'second', 'third']) {
      for (const volume of ['bob/data', 'bob/other'])
        rig.restic.filesOf(volume).set('big', `${day} of ${volume} `.repeat(100));
      made.push((await backUpVolumes(rig.whole, config, { kind: 'all' })).id);
      await rig.later(3600);
    }
    rig.opened.length = 0;
    rig.restic.commands.length = 0;
    rig.cluster.calls.length = 0;
  };
  beforeEach(prepare);
  afterEach(() => {
    assert.deepEqual(oursIn(rig.cluster), [], 'nothing of ours is left in the cluster');
    rig[Symbol.dispose]();
  });

  const remove = (
    volume: string,
    which: DeleteBackupsRequest['which'],
    dryRun = false,
  ): Promise<DeleteBackupsReport> => deleteBackups(rig.whole, config, { volume, which, dryRun });
  const namesOf = (backups: readonly StoredBackup[]): readonly string[] =>
    backups.map(
      ({ session, volume }) => `${volume.namespace}/${volume.claim} ${made.indexOf(session)}`,
    );
  const stored = (): number => rig.keysOf('bob', 'snapshots').length;

  it('of one session removes that one, and gives its space back', async () => {
    const session = made[0] ?? '';
    const packs = rig.keysOf('bob', 'data').length;
    const { chosen, spared, done } = await remove('bob/data', { kind: 'session', session });
    assert.deepEqual([namesOf(chosen), namesOf(spared)], [['bob/data 0'], []]);
    assert.deepEqual(
      done?.removed.map(({ claim, namespace, session: of }) => [namespace, claim, of]),
      [['bob', 'data', session]],
    );
    assert.equal(stored(), 5);
    assert.equal(rig.keysOf('bob', 'data').length, packs - 1);
    assert.equal(done.freed, 'first of bob/data '.length * 100);
    assert.deepEqual(rig.restic.commands, ['forget-0: forget', 'prune: prune']);
    const [record] = await rig.records();
    assert.equal(record?.kind, 'delete');
    assert.equal(record.phase, 'Succeeded');
    assert.deepEqual(record.removed, done.removed);
    assert.deepEqual(rig.opened, ['volumes', 'target', 'volumes retention', 'target retention']);
    assert.equal(await rig.journal.volumeSession(), undefined);
  });

  it('only looks in a dry run, without a session, and without the cluster', async () => {
    const before = rig.store.objects;
    const { chosen, spared, done } = await remove('bob/*', { kind: 'all' }, true);
    assert.deepEqual(namesOf(chosen), ['bob/data 1', 'bob/other 1', 'bob/data 0', 'bob/other 0']);
    assert.deepEqual(namesOf(spared), ['bob/data 2', 'bob/other 2']);
    assert.equal(done, undefined);
    assert.deepEqual(rig.store.objects, before);
    assert.deepEqual([rig.opened, rig.cluster.calls], [['target'], []]);
  });

  it('of all takes the last one too when the volume is named, and spares it for a pattern', async () => {
    await remove('bob/*', { kind: 'all' });
    assert.equal(stored(), 2);
    await rig.later(60);
    const { chosen } = await remove('bob/data', { kind: 'all' });
    assert.deepEqual(namesOf(chosen), ['bob/data 2']);
    assert.equal(stored(), 1);
    assert.equal(rig.keysOf('alice', 'snapshots').length, 3, 'those of others stay');
  });

  it('of what is older spares the last one, also of a volume that is named', async () => {
    const older = (hours: number) => ({ kind: 'older', than: hours * 3_600_000 }) as const;
    const { chosen } = await remove('bob/data', older(2.5), true);
    assert.deepEqual(namesOf(chosen), ['bob/data 0']);
    const { chosen: all, spared } = await remove('bob/data', older(0.5));
    assert.deepEqual(namesOf(all), ['bob/data 1', 'bob/data 0']);
    assert.deepEqual(namesOf(spared), ['bob/data 2']);
  });

  it('spares the newest complete backup next to the newest', async () => {
    rig.restic.unreadable.add('big');
    made.push((await backUpVolumes(rig.whole, config, { kind: 'all' })).id);
    const { spared } = await remove('bob/data*', { kind: 'all' }, true);
    assert.deepEqual(namesOf(spared), ['bob/data 3', 'bob/data 2']);
  });

  it('says what there is when nothing could go, before a session begins', async () => {
    const session = made[2] ?? '';
    const { message } = await rejectsWithCode(
      remove('bob/d*', { kind: 'session', session }),
      'volume-backup-missing',
    );
    assert.equal(
      message,
      'The only 1 backup of bob/d* that could go are the last ones of their volumes. Nothing was removed. Name the volume in full, with backup=<id> or all=true, to remove its last one.',
    );
    for (const dryRun of [true, false]) {
      const nothing = await rejectsWithCode(
        remove('bob/data', { kind: 'session', session: '20200101t000000z' }, dryRun),
        'volume-backup-missing',
      );
      assert.match(
        nothing.message,
        /^There is no backup 20200101t000000z of bob\/data that could go/,
      );
    }
    assert.equal(stored(), 6);
    assert.equal((await rig.records())[0]?.kind, 'backup');
  });

  it('removes nothing while an operator is at work with restic', async () => {
    const lock = `${layout.repository('bob')}locks/of-an-operator`;
    rig.store.seed(lock, 'a lock');
    const { message } = await rejectsWithCode(remove('bob/*', { kind: 'all' }), 'volume-locked');
    assert.match(message, /Nothing was removed there\. Wait for its end/);
    assert.equal(stored(), 6);
    assert.ok(rig.store.bucket.find(lock));
    const [record] = await rig.records();
    assert.deepEqual([record?.kind, record?.phase], ['delete', 'Failed']);
    assert.equal(record?.notRemoved, message);
    await rig.later(31 * 60);
    await remove('bob/*', { kind: 'all' });
    assert.equal(stored(), 2, 'a lock that nobody renews holds nothing up');
  });

  it('removes nothing with another key', async () => {
    rig.key = 'another key';
    await rejectsWithCode(remove('bob/*', { kind: 'all' }), 'volumes-key-changed');
    assert.equal(stored(), 6);
    assert.equal((await rig.records())[0]?.kind, 'backup');
  });

  it('removes nothing that a record of somebody else names, whatever it says', async () => {
    const [record] = await rig.records();
    const [alice] = record?.volumes ?? [];
    const id = '20261101t000000z';
    rig.store.seed(
      layout.volumeSession(id),
      JSON.stringify({
        ...{ ...record, id },
        volumes: [
          { ...alice, repository: 'bob' },
          { ...alice, repository: '../../sets' },
          { ...alice, snapshot: '--all' },
        ],
      }),
    );
    const { chosen } = await remove('alice/home', { kind: 'all' }, true);
    assert.deepEqual(namesOf(chosen), ['alice/home 2', 'alice/home 1', 'alice/home 0']);
  });

  it('says why when restic cannot remove, and takes it up again with the next', async () => {
    rig.restic.instead = (_run, role) =>
      role === 'forget-0' ? { exitCode: 0, output: '' } : undefined;
    const { message } = await rejectsWithCode(
      remove('bob/data', { kind: 'session', session: made[0] ?? '' }),
      'volume-command-failed',
    );
    assert.match(
      message,
      /^1 snapshot of the repository bob could not be removed, the first: [0-9a-f]{64}\. The next session tries again\. The S3 keys, or those of retention-credentials, must be allowed to delete\.$/,
    );
    rig.restic.instead = () => undefined;
    await rig.later(60);
    const { chosen, done } = await remove('bob/other', { kind: 'session', session: made[0] ?? '' });
    assert.deepEqual(namesOf(chosen), ['bob/other 0']);
    assert.deepEqual(
      done?.removed.map(({ claim }) => claim),
      ['other', 'data'],
    );
    assert.equal(stored(), 4);
  });

  it('is finished by the same command, wherever it was killed', async () => {
    const wish = { kind: 'session', session: made[0] ?? '' } as const;
    let isKilled = true;
    for (let step = 1; isKilled; step += 1) {
      const putBack = killAt(step);
      isKilled = await remove('bob/data', wish).then(
        () => false,
        () => true,
      );
      putBack();
      if (isKilled) {
        await endKilledSession(rig.whole);
        await rig.later(60);
        await remove('bob/data', wish).catch((error: unknown) => {
          assert.match(String(error), /There is no backup/);
        });
      }
      const about = `killed at step ${step}`;
      assert.deepEqual(oursIn(rig.cluster), [], about);
      assert.deepEqual(rig.keysOf('bob', 'locks'), [], about);
      assert.deepEqual([stored(), rig.keysOf('bob', 'data').length], [5, 7], about);
      assert.equal((await rig.records()).at(-1)?.volumes[1]?.forgotten, true, about);
      assert.notEqual((await rig.records())[0]?.phase, 'Running', about);
      rig[Symbol.dispose]();
      await prepare();
    }
  });

  /** From the so-manieth change on, nothing that the process would do is done. */
  const killAt = (step: number): (() => void) => {
    let left = step;
    const die = (): void => {
      if ((left -= 1) <= 0) throw new Error('killed');
    };
    rig.cluster.onCall = (call) => {
      if (left <= 0 || /^(create|patch|remove)/.test(call)) die();
    };
    const putBacks = [
      intercept(rig.store, 'put', (put) => async (...given) => {
        die();
        return put(...given);
      }),
      intercept(rig.store, 'delete', (remove_) => async (...given) => {
        die();
        await remove_(...given);
      }),
    ];
    return () => {
      rig.cluster.onCall = () => undefined;
      for (const putBack of putBacks) putBack();
    };
  };
});
