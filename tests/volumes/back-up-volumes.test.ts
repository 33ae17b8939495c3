import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import { layoutOf } from '../../src/repository/layout.ts';
import { type BackupVolumesRequest, backUpVolumes } from '../../src/volumes/back-up-volumes.ts';
import { endKilledSession } from '../../src/volumes/dead-session.ts';
import { type SessionRecord, writeSession } from '../../src/volumes/records/session-record.ts';
import { oursIn } from '../fakes/cluster.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { intercept } from '../rigs/intercept.ts';
import {
  type VolumeWorldRig,
  aVolumeWorld,
  volumesConfig,
  throughGateway,
} from '../rigs/volume-world.ts';

const layout = layoutOf('ckf');

describe('a backup of volumes', () => {
  let rig: VolumeWorldRig;
  beforeEach(() => {
    rig = aVolumeWorld();
    for (const user of ['alice', 'bob']) rig.addProfile(user);
    rig.addVolume('alice/home', { 'thesis.md': 'words', 'data.csv': '1,2' });
    rig.addVolume('bob/data', { rows: 'many rows' });
  });
  afterEach(() => {
    assert.deepEqual(oursIn(rig.cluster), [], 'nothing of ours is left in the cluster');
    rig[Symbol.dispose]();
  });

  const backUp = async (
    request: BackupVolumesRequest = { kind: 'all' },
    changes: Parameters<typeof volumesConfig>[0] = {},
  ): Promise<SessionRecord> => {
    const record = await backUpVolumes(rig.whole, volumesConfig(changes).volumes, request);
    await rig.later(3600);
    return record;
  };
  const said = (record: SessionRecord): readonly string[] =>
    record.volumes.map(({ namespace, claim, phase, code, reason }) =>
      [`${namespace}/${claim}`, phase, code, reason].filter(Boolean).join(' '),
    );

  it('puts each user’s into a repository of the user’s own, and says what is in it', async () => {
    const record = await backUp();
    assert.equal(record.phase, 'Succeeded');
    assert.deepEqual(
      record.volumes.map(({ namespace, claim, phase, repository, files, bytes, added }) => [
        ...[namespace, claim, phase, repository, files, bytes, added],
      ]),
      [
        ['alice', 'home', 'Succeeded', 'alice', 2, 8, 8],
        ['bob', 'data', 'Succeeded', 'bob', 1, 9, 9],
      ],
    );
    for (const { repository = '', snapshot = '' } of record.volumes)
      assert.deepEqual(rig.keysOf(repository, 'snapshots'), [
        `${layout.repository(repository)}snapshots/${snapshot}`,
      ]);
    const [stored] = await rig.records();
    assert.deepEqual(
      stored?.volumes.map(({ snapshot }) => snapshot),
      record.volumes.map(({ snapshot }) => snapshot),
    );
    assert.equal(await rig.journal.volumeSession(), undefined);
    assert.deepEqual(rig.progress.steps, [
      'alice: backing up 1 volume',
      'bob: backing up 1 volume',
    ]);
    assert.deepEqual(rig.progress.notes, ['alice/home: uploaded', 'bob/data: uploaded']);
  });

  it('makes a repository once, through its gateway, and adds next to nothing the second time', async () => {
    await backUp();
    assert.deepEqual(
      rig.restic.commands.filter((one) => one.startsWith('init')),
      ['init: init', 'init: init'],
    );
    rig.restic.filesOf('alice/home').set('new', 'abc');
    const second = await backUp();
    assert.deepEqual(
      second.volumes.map(({ added }) => added),
      [3, 0],
    );
    assert.equal(rig.restic.commands.filter((one) => one.startsWith('init')).length, 2);
  });

  it('takes those of a pattern, and says when none matches', async () => {
    assert.deepEqual(said(await backUp({ kind: 'matching', pattern: 'b*/*' })), [
      'bob/data Succeeded',
    ]);
    const { message } = await rejectsWithCode(
      backUp({ kind: 'matching', pattern: 'carol/*' }),
      'volume-missing',
    );
    assert.equal(
      message,
      'There is no volume carol/* among those of the option volumes. Run: juju run ckf-backup/leader list-volumes',
    );
    assert.equal((await rig.records()).length, 1, 'a session that has not begun is not recorded');
  });

  it('leaves a volume out with the reason, unless it was asked for by its name', async () => {
    rig.cluster.store.patch('persistentvolumeclaims', 'bob', 'data', {
      metadata: { annotations: { 'ckf-backup/paused': 'true' } },
    });
    const record = await backUp();
    assert.equal(record.phase, 'Succeeded');
    assert.deepEqual(said(record), [
      'alice/home Succeeded',
      'bob/data Skipped paused by the annotation ckf-backup/paused',
    ]);
    const one = await backUp(
      { kind: 'one', namespace: 'bob', claim: 'data' },
      { patterns: [{ namespace: 'alice', claim: '*' }] },
    );
    assert.deepEqual(said(one), ['bob/data Succeeded']);
  });

  it('is skipped as a whole when there is nothing to back up', async () => {
    const record = await backUp(
      { kind: 'all' },
      { patterns: [{ namespace: 'carol', claim: '*' }] },
    );
    assert.equal(record.phase, 'Skipped');
    assert.deepEqual(record.volumes, []);
  });

  it('says of a volume without files that it has none', async () => {
    rig.addVolume('bob/empty');
    const record = await backUp();
    assert.deepEqual(said(record).slice(2), ['bob/empty Skipped It has no files.']);
    assert.equal(record.phase, 'Succeeded');
  });

  for (const [left, files] of [
    ['nothing is left', {}],
    ['only folders are left', { 'work/': '' }],
  ] as const)
    it(`never lets a volume that was emptied push out the backups of its files: ${left}`, async () => {
      const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };
      const first = await backUp({ kind: 'all' }, { keep });
      rig.restic.volumes.set('bob/data', new Map(Object.entries(files)));
      for (let night = 0; night < 3; night += 1) {
        const record = await backUp({ kind: 'all' }, { keep });
        assert.deepEqual(said(record), [
          'alice/home Succeeded',
          `bob/data Skipped It has no files any more. The backup ${first.id} has 1 file, and stays: if they were not meant to go, restore it.`,
        ]);
        assert.equal(record.notRemoved, undefined);
      }
      assert.equal(rig.keysOf('bob', 'snapshots').length, 1, 'what was stored of folders goes');
      assert.equal(rig.keysOf('bob', 'data').length, 1, 'the file stays');
      rig.restic.filesOf('bob/data').set('new', 'a file');
      assert.deepEqual(said(await backUp())[1], 'bob/data Succeeded');
    });

  it('backs up folders that never had files', async () => {
    rig.addVolume('bob/new', { 'work/': '' });
    assert.equal(said(await backUp())[2], 'bob/new Succeeded');
  });

  it('keeps what could be read when some files could not', async () => {
    rig.restic.unreadable.add('data.csv');
    const record = await backUp();
    assert.equal(record.phase, 'PartiallyFailed');
    const [alice] = record.volumes;
    assert.equal(alice?.files, 1);
    assert.equal(
      said(record)[0],
      'alice/home PartiallyFailed volume-unreadable Some files could not be read, the last of them: /data/data.csv: open: permission denied. The backup has all the others.',
    );
  });

  it('remembers who used a volume while it was read', async () => {
    rig.addPod('alice', 'lab-0', 'home');
    const [alice, bob] = (await backUp()).volumes;
    assert.deepEqual([alice?.usedBy, bob?.usedBy], ['lab-0', undefined]);
    const stopped = (await backUp({ kind: 'all' }, { inUse: 'skip' })).volumes;
    assert.equal(stopped[0]?.reason, 'a pod uses it (volumes-in-use=skip); the pod is lab-0');
  });

  it('stops a notebook meanwhile when it is told to, and starts it again', async () => {
    rig.addNotebook('alice', 'lab', 'home');
    const running: boolean[] = [];
    rig.restic.instead = (_run, role) => {
      if (role === 'backup')
        running.push(rig.cluster.store.find('pods', 'alice', 'lab-0') !== undefined);
      return undefined;
    };
    const record = await backUp({ kind: 'all' }, { inUse: 'stop', parallel: 1 });
    assert.deepEqual(said(record), ['alice/home Succeeded', 'bob/data Succeeded']);
    assert.deepEqual(running, [false, true]);
    assert.equal(record.volumes[0]?.usedBy, undefined, 'nobody wrote meanwhile');
    assert.ok(rig.cluster.store.find('pods', 'alice', 'lab-0'));
  });

  it('works on as many volumes at a time as the option says, and keeps the plan’s order', async () => {
    for (const name of ['one', 'two', 'three']) rig.addVolume(`bob/${name}`, { [name]: name });
    for (const parallel of [1, 2, 3]) {
      let [now, most] = [0, 0];
      rig.restic.instead = async (_run, role) => {
        if (role !== 'backup') return { exitCode: 10, output: '' };
        most = Math.max(most, (now += 1));
        await rig.clock.sleep(30_000);
        now -= 1;
        return { exitCode: 1, output: '' };
      };
      rig.restic.instead = withOthers(rig.restic.instead);
      const record = await backUp({ kind: 'all' }, { parallel });
      assert.equal(most, parallel);
      assert.deepEqual(
        record.volumes.map(({ claim }) => claim),
        ['home', 'data', 'one', 'three', 'two'],
      );
    }
  });

  it('opens a gateway to no password of an earlier session, nor of another user', async () => {
    const used: string[] = [];
    let isStolen = false;
    rig.restic.instead = (run, role) => {
      if (role !== 'backup') return undefined;
      used.push(run.variables['RESTIC_REST_PASSWORD'] ?? '');
      const variables = { ...run.variables, RESTIC_REST_PASSWORD: used[0] ?? '' };
      return isStolen ? rig.restic.run({ ...run, variables }) : undefined;
    };
    await backUp();
    isStolen = true;
    const { volumes } = await backUp();
    assert.deepEqual([used.length >= 4, new Set(used.slice(0, 3)).size], [true, 3]);
    for (const { reason } of volumes) assert.match(reason ?? '', /401 Unauthorized/);
  });

  it('fails alone where a repository cannot be opened', async () => {
    await backUp();
    rig.key = 'another key';
    const record = await backUp({ kind: 'all' });
    assert.equal(record.phase, 'Failed');
    assert.match(
      said(record)[0] ?? '',
      /^alice\/home Failed volumes-key-changed The repository alice was made on 2026-11-21 with the key of fingerprint [0-9a-f]{12}, and the option volumes-key has the one of [0-9a-f]{12}\. Nothing was changed\./,
    );
    rig.key = rig.whole.model.name;
    rig.addProfile('carol');
    rig.addVolume('carol/new', { a: 'a' });
    const third = await backUp();
    assert.equal(third.phase, 'PartiallyFailed');
    assert.equal(said(third)[2], 'carol/new Succeeded');
  });

  it('gives a profile that was made again for somebody else another repository', async () => {
    await backUp();
    rig.cluster.store.patch('namespaces', '', 'bob', {
      metadata: { uid: 'another', annotations: { owner: 'mallory@example.com' } },
    });
    const second = await backUp();
    assert.deepEqual(
      second.volumes.map(({ repository }) => repository),
      ['alice', 'bob-2'],
    );
  });

  it('does not believe a pod that says it has uploaded', async () => {
    rig.restic.instead = (run, role) =>
      role === 'backup' && run.pod.metadata.namespace === 'bob'
        ? { exitCode: 0, output: '' }
        : undefined;
    assert.deepEqual(said(await backUp()), [
      'alice/home Succeeded',
      'bob/data Failed volume-command-failed bob/data: restic ended with status 0: it gave no reason',
    ]);
  });

  it('says what restic complained of, after it was tried again three times', async () => {
    rig.restic.instead = (_run, role) =>
      role === 'backup'
        ? { exitCode: 130, output: '{"message_type":"exit_error","message":"no time"}' }
        : undefined;
    const record = await backUp({ kind: 'matching', pattern: 'bob/data' });
    assert.deepEqual(said(record), [
      'bob/data Failed volume-command-failed bob/data: restic was stopped: no time',
    ]);
    assert.equal(rig.restic.commands.filter((one) => one === 'backup: backup').length, 3);
    assert.deepEqual(rig.progress.notes, [
      'bob/data: ended with problems',
      'bob/data: Failed: bob/data: restic was stopped: no time',
    ]);
  });

  it('says which option to raise when restic was killed, and not what it happened to say last', async () => {
    rig.restic.instead = (_run, role) =>
      role === 'backup'
        ? { exitCode: 137, output: '{"message_type":"exit_error","message":"retrying in 3 s"}' }
        : undefined;
    assert.deepEqual(said(await backUp({ kind: 'matching', pattern: 'bob/data' })), [
      'bob/data Failed volume-command-failed bob/data: restic was killed, most likely because it needs more memory than volumes-memory lets it have. Raise that option and run the action again.',
    ]);
  });

  it('says which object is lost when a repository has no config, and changes nothing', async () => {
    await backUp();
    const config = `${layout.repository('bob')}config`;
    rig.store.bucket.remove(config);
    const before = rig.keysOf('bob', '');
    const record = await backUp();
    assert.equal(record.phase, 'PartiallyFailed');
    assert.equal(
      said(record)[1],
      `bob/data Failed store-corrupt ${config} is missing, so the repository bob cannot be opened. Nothing was changed. Bring the object back from the bucket's versions, and run the action again.`,
    );
    assert.deepEqual(rig.keysOf('bob', ''), before);
  });

  it('makes a repository again whose making was killed after its keys', async () => {
    rig.store.seed(`${layout.repository('bob')}keys/of-a-killed-init`, 'a key');
    assert.deepEqual(said(await backUp()), ['alice/home Succeeded', 'bob/data Succeeded']);
    assert.equal(rig.keysOf('bob', 'keys').length, 1);
  });

  it('removes what the option volumes-keep does not keep, with the keys that may delete', async () => {
    const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };
    const first = await backUp({ kind: 'all' }, { keep });
    assert.equal(first.removed, undefined);
    rig.opened.length = 0;
    const second = await backUp({ kind: 'all' }, { keep });
    assert.deepEqual(
      second.removed?.map(({ session, namespace, claim }) => [session, namespace, claim]),
      [
        [first.id, 'alice', 'home'],
        [first.id, 'bob', 'data'],
      ],
    );
    assert.ok(rig.opened.includes('target retention') && rig.opened.includes('volumes retention'));
    assert.equal(rig.keysOf('bob', 'snapshots').length, 1);
    const [, former] = await rig.records();
    assert.ok(
      former?.volumes.every(({ removed, forgotten }) => removed !== undefined && forgotten),
    );
  });

  it('removes nothing where no new backup could be made, and nothing before a restore', async () => {
    const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };
    await backUp({ kind: 'all' }, { keep });
    rig.restic.instead = (run, role) =>
      role === 'backup' && run.pod.metadata.namespace === 'bob'
        ? { exitCode: 12, output: '' }
        : undefined;
    const second = await backUp({ kind: 'all' }, { keep });
    assert.deepEqual(
      second.removed?.map(({ namespace }) => namespace),
      ['alice'],
    );
    rig.restic.instead = () => undefined;
    const one = await backUp({ kind: 'one', namespace: 'alice', claim: 'home' }, { keep });
    assert.equal(one.removed, undefined);
    assert.equal(rig.keysOf('alice', 'snapshots').length, 2);
  });

  it('keeps all where somebody else is at work with restic, and says so', async () => {
    const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };
    await backUp({ kind: 'all' }, { keep });
    const lock = `${layout.repository('bob')}locks/of-an-operator`;
    rig.store.seed(lock, 'a lock');
    const second = await backUp({ kind: 'all' }, { keep });
    assert.deepEqual(
      second.removed?.map(({ namespace }) => namespace),
      ['alice'],
    );
    assert.match(second.notRemoved ?? '', /^The repository bob is locked: somebody works on it/);
    assert.ok(rig.store.bucket.find(lock), 'the lock of the operator stays');
    assert.equal(second.phase, 'Succeeded');
  });

  it('takes away the locks that users’ processes have left', async () => {
    rig.restic.instead = (run, role) => {
      if (role === 'backup' && run.pod.metadata.namespace === 'bob')
        rig.store.seed(
          `${layout.repository('bob')}locks/of-a-killed-pod`,
          'a lock',
          throughGateway,
        );
      return undefined;
    };
    await backUp();
    assert.deepEqual(rig.keysOf('bob', 'locks'), []);
  });

  it('leaves the lock of an operator who began meanwhile, and removes nothing there', async () => {
    const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };
    await backUp({ kind: 'all' }, { keep });
    const locks = `${layout.repository('bob')}locks/`;
    rig.restic.instead = (run, role) => {
      if (role !== 'backup' || run.pod.metadata.namespace !== 'bob') return undefined;
      rig.store.seed(`${locks}of-a-killed-pod`, 'a lock', throughGateway);
      rig.store.seed(`${locks}of-an-operator`, 'a lock');
      return undefined;
    };
    const second = await backUp({ kind: 'all' }, { keep });
    assert.deepEqual(rig.keysOf('bob', 'locks'), [`${locks}of-an-operator`]);
    assert.match(second.notRemoved ?? '', /^The repository bob is locked: somebody works on it/);
    assert.equal(second.phase, 'Succeeded');
  });

  it('clears at once what a killed process has locked, however young the lock is', async () => {
    rig.store.seed(`${layout.repository('bob')}locks/of-a-killed-pod`, 'a lock', throughGateway);
    const { notRemoved } = await backUp();
    assert.deepEqual([rig.keysOf('bob', 'locks'), notRemoved], [[], undefined]);
  });

  it('says the problems of several repositories in one, and tries again the next time', async () => {
    const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };
    await backUp({ kind: 'all' }, { keep });
    rig.restic.instead = (_run, role) =>
      role.startsWith('forget') ? { exitCode: 1, output: 'S3 said no' } : undefined;
    const second = await backUp({ kind: 'all' }, { keep });
    assert.equal(second.phase, 'Succeeded', 'its own backups are good');
    assert.match(
      second.notRemoved ?? '',
      /^In 2 of 2 repositories old backups could not be removed: restic forget on the repository alice ended with status 1/,
    );
    rig.restic.instead = () => undefined;
    const third = await backUp({ kind: 'all' }, { keep });
    assert.equal(third.removed?.length, 4);
    assert.equal(third.notRemoved, undefined);
  });

  it('removes nothing when a clock is wrong', async () => {
    const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };
    await backUp({ kind: 'all' }, { keep });
    const [former] = await rig.records();
    rig.store.seed(
      layout.volumeSession('20271121t000000z'),
      JSON.stringify({ ...former, id: '20271121t000000z', volumes: [] }),
    );
    const second = await backUp({ kind: 'all' }, { keep });
    assert.match(
      second.notRemoved ?? '',
      /^The session 20271121t000000z of volumes is dated later/,
    );
    assert.equal(second.removed, undefined);
  });

  it('lets one session work at a time', async () => {
    const held = Promise.withResolvers<undefined>();
    rig.restic.instead = async (_run, role) => {
      if (role === 'backup') await held.promise;
      return undefined;
    };
    const other = { ...rig.whole, unit: 'ckf-backup/1', host: 'node-2' };
    const first = backUpVolumes(rig.whole, volumesConfig().volumes, { kind: 'all' });
    while (!rig.restic.commands.includes('backup: backup')) await rig.later(1);
    await rejectsWithCode(
      backUpVolumes(other, volumesConfig().volumes, { kind: 'all' }),
      'backup-running',
    );
    held.resolve(undefined);
    assert.equal((await first).phase, 'Succeeded');
  });

  for (const [newest, expected] of [
    ['20261121t201400z', '20261121t201500z'],
    ['20261121t201500z', '20261121t201501z'],
    ['20261121t201730z', '20261121t201731z'],
    // A clock that was as wrong as this is not followed.
    ['20271121t000000z', '20261121t201500z'],
  ] as const)
    it(`has a later id than each before it, in whatever unit's time: ${newest}`, async () => {
      rig.store.seed(layout.volumeSession(newest), '{}');
      assert.equal((await backUp()).id, expected);
    });

  it('ends one that was killed, also when one from a wrong clock has a later id', async () => {
    const record: SessionRecord = {
      ...{ id: '20261121t200000z', kind: 'backup', phase: 'Running', volumes: [] },
      started: '2026-11-21T20:00:00.000Z',
    };
    await writeSession(rig.store, layout, record);
    const late = { ...record, id: '20271121t000000z', phase: 'Succeeded' } as const;
    await writeSession(rig.store, layout, late);
    await backUp();
    assert.deepEqual(
      (await rig.records()).map(({ id, phase }) => [id, phase]),
      [
        [late.id, 'Succeeded'],
        ['20261121t201500z', 'Succeeded'],
        [record.id, 'Failed'],
      ],
    );
  });

  describe('that is asked to stop', () => {
    const stopWhen = (isTime: (namespace: string | undefined) => boolean) => {
      const stop = new AbortController();
      rig.restic.instead = (run, role) => {
        if (role !== 'backup' || !isTime(run.pod.metadata.namespace)) return undefined;
        stop.abort(new CharmError('interrupted', 'The unit was asked to stop.'));
        return rig.later(3600).then(() => ({ exitCode: 1, output: '' }));
      };
      return (parallel: number) =>
        rejectsWithCode(
          backUpVolumes(
            { ...rig.whole, signal: stop.signal },
            volumesConfig({ parallel, inUse: 'stop' }).volumes,
            { kind: 'all' },
          ),
          'interrupted',
        );
    };

    it('leaves its end to the next hook', async () => {
      await stopWhen(() => true)(2);
      const [running] = await rig.records();
      assert.equal(running?.phase, 'Running');
      assert.equal(await rig.journal.volumeSession(), running.id);
      await endKilledSession(rig.whole);
      const [ended] = await rig.records();
      assert.equal(ended?.phase, 'Failed');
      assert.deepEqual(
        said(ended)[1],
        'bob/data Failed interrupted The charm was killed meanwhile. There is no backup of it from this session.',
      );
      assert.equal(await rig.journal.volumeSession(), undefined);
    });

    it('begins nothing more: no other user’s volume, and no notebook is stopped for it', async () => {
      rig.addVolume('alice/more', { a: 'a' });
      rig.addNotebook('alice', 'lab', 'more');
      await stopWhen((namespace) => namespace === 'alice')(1);
      await rig.later(60);
      assert.deepEqual(rig.restic.commands, ['init: init', 'backup: backup']);
      assert.ok(!rig.cluster.calls.includes('patch notebooks alice'));
      assert.deepEqual(rig.progress.steps, ['alice: backing up 2 volumes']);
    });

    it('ends once all that it had begun has ended', async () => {
      const putBack = intercept(rig.cluster, 'remove', (remove) => async (...given) => {
        // Those of bob take longer to go.
        if (given[1] === 'bob') await rig.clock.sleep(20_000);
        return remove(...given);
      });
      await stopWhen(() => rig.restic.commands.length === 4)(2);
      assert.deepEqual(oursIn(rig.cluster), []);
      putBack();
    });
  });

  it('removes old backups of several users at a time, and writes it of each', async () => {
    const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };
    const names = ['carol', 'dave', 'erin'];
    for (const name of names) {
      rig.addProfile(name);
      rig.addVolume(`${name}/data`, { rows: `of ${name}` });
    }
    await backUp({ kind: 'all' }, { keep, parallel: 4 });
    let running = 0;
    let most = 0;
    rig.restic.instead = async (_run, role) => {
      if (!role.startsWith('forget')) return undefined;
      most = Math.max(most, (running += 1));
      await rig.clock.sleep(1000);
      running -= 1;
      return undefined;
    };
    const { removed = [] } = await backUp({ kind: 'all' }, { keep, parallel: 4 });
    assert.equal(removed.length, 5);
    assert.equal(most, 4);
    const [, first] = await rig.records();
    assert.deepEqual(
      first?.volumes.map((volume) => [volume.removed !== undefined, volume.forgotten]),
      Array.from({ length: 5 }, () => [true, true]),
    );
  });

  it('keeps all its gateways together within the limit of the bandwidth', async () => {
    const limits = async (parallel: number, volume = '*/*'): Promise<readonly string[]> => {
      const seen: string[] = [];
      const putBack = intercept(rig.cluster, 'create', (create) => async (kind, manifest) => {
        const [, rate] = /"RCLONE_BWLIMIT","value":"([^"]*)"/.exec(JSON.stringify(manifest)) ?? [];
        if (rate !== undefined) seen.push(rate);
        return create(kind, manifest);
      });
      const bandwidthLimit = [{ minute: 0, bytesPerSecond: 12_000_000 }];
      await backUp({ kind: 'matching', pattern: volume }, { parallel, bandwidthLimit });
      putBack();
      return [...new Set(seen)];
    };
    rig.addProfile('carol');
    rig.addVolume('carol/data', { rows: 'few rows' });
    assert.deepEqual(await limits(1), ['12000000B']);
    assert.deepEqual(await limits(2), ['6000000B']);
    assert.deepEqual(await limits(8), ['4000000B'], 'there are three users');
    assert.deepEqual(await limits(8, 'bob/data'), ['12000000B']);
  });

  it('keeps its backups when it is killed while old ones are removed', async () => {
    const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };
    await backUp({ kind: 'all' }, { keep });
    const putBack = intercept(rig.cluster, 'create', (create) => async (kind, manifest) => {
      if (JSON.stringify(manifest).includes('"forget-0"')) throw new Error('killed');
      return create(kind, manifest);
    });
    await assert.rejects(backUp({ kind: 'all' }, { keep }), /killed/);
    putBack();
    await endKilledSession(rig.whole);
    const [newest] = await rig.records();
    assert.equal(newest?.phase, 'Succeeded');
    assert.deepEqual(said(newest), ['alice/home Succeeded', 'bob/data Succeeded']);
  });
});

/** Only the Jobs do something else. */
const withOthers =
  (instead: VolumeWorldRig['restic']['instead']): VolumeWorldRig['restic']['instead'] =>
  (run, role) =>
    role === 'backup' ? instead(run, role) : undefined;
