import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import { layoutOf } from '../../src/repository/layout.ts';
import { backUpVolumes } from '../../src/volumes/back-up-volumes.ts';
import { readState } from '../../src/volumes/records/repository-state.ts';
import {
  type VerifyRequest,
  errorCount,
  verifyRepositories,
} from '../../src/volumes/verify-repositories.ts';
import type { World } from '../../src/world.ts';
import { oursIn } from '../fakes/cluster.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import {
  type VolumeWorldRig,
  aVolumeWorld,
  volumesConfig,
  throughGateway,
} from '../rigs/volume-world.ts';

const layout = layoutOf('ckf');
const { volumes: config } = volumesConfig();
const alice = { namespace: 'alice', claim: 'home' };

describe('the verification of repositories', () => {
  let rig: VolumeWorldRig;
  let backup: string;
  beforeEach(async () => {
    rig = aVolumeWorld();
    for (const user of ['alice', 'bob']) rig.addProfile(user);
    rig.addVolume('alice/home', { thesis: 'words' });
    rig.addVolume('bob/data', { rows: 'many rows' });
    backup = (await backUpVolumes(rig.whole, config, { kind: 'all' })).id;
    await rig.later(3600);
    rig.restic.commands.length = 0;
    rig.progress.steps.length = 0;
  });
  afterEach(() => {
    assert.deepEqual(oursIn(rig.cluster), [], 'nothing of ours is left in the cluster');
    for (const name of ['alice', 'bob']) assert.deepEqual(rig.keysOf(name, 'locks'), []);
    rig[Symbol.dispose]();
  });

  const verify = (changes: Partial<VerifyRequest> = {}, world = rig.whole) =>
    verifyRepositories(world, config, {
      ...{ namespace: undefined, readData: undefined, testRestore: undefined },
      ...changes,
    });
  const packOf = (repository: string): string => rig.keysOf(repository, 'data')[0] ?? '';
  const said = ({ verified }: Awaited<ReturnType<typeof verify>>) =>
    verified.map(({ name, checks, problem }) => [
      name,
      ...checks.map(({ kind, intact }) => `${kind} ${intact ? 'intact' : 'damaged'}`),
      ...(problem === undefined ? [] : [problem.code]),
    ]);

  it('looks at each, one after another, and remembers what it found', async () => {
    const done = await verify();
    assert.deepEqual(said(done), [
      ['alice', 'check intact'],
      ['bob', 'check intact'],
    ]);
    assert.deepEqual(rig.restic.commands, ['check: check', 'check: check']);
    assert.deepEqual(rig.progress.steps, [
      'alice: checking the repository',
      'bob: checking the repository',
    ]);
    assert.equal(errorCount(done.verified), 0);
    const { checks } = await readState(rig.store, layout, 'bob');
    assert.deepEqual(
      checks.map(({ kind, intact, errors }) => ({ kind, intact, errors })),
      [{ kind: 'check', intact: true, errors: [] }],
    );
    const [record] = await rig.records();
    assert.deepEqual(
      [record?.id, record?.kind, record?.phase, record?.repositories],
      [done.session, 'verify', 'Succeeded', ['alice', 'bob']],
    );
    assert.equal(await rig.journal.volumeSession(), undefined);
  });

  it('needs the keys that may delete, for the lock that restic takes', async () => {
    rig.opened.length = 0;
    await verify();
    assert.deepEqual(rig.opened, ['volumes', 'target', 'volumes retention', 'target retention']);
  });

  it('does not begin when these cannot be had', async () => {
    const openVolumes: World['openVolumes'] = async (purpose) => {
      if (purpose === 'retention') throw new CharmError('secret-unreadable', 'It is not granted.');
      return rig.whole.openVolumes();
    };
    await rejectsWithCode(verify({}, { ...rig.whole, openVolumes }), 'secret-unreadable');
    assert.equal((await rig.records())[0]?.kind, 'backup');
    assert.equal(await rig.journal.volumeSession(), undefined, 'no hook takes it for killed');
  });

  it('finds damage only where it looks for it, and names the object', async () => {
    const pack = packOf('bob');
    rig.store.seed(pack, 'spoiled');
    assert.deepEqual(said(await verify()), [
      ['alice', 'check intact'],
      ['bob', 'check intact'],
    ]);
    await rig.later(60);
    const done = await verify({ readData: '1/1' });
    assert.deepEqual(said(done), [
      ['alice', 'data intact'],
      ['bob', 'data damaged', 'volume-damaged'],
    ]);
    assert.equal(
      done.verified[1]?.problem?.message,
      `The repository bob is damaged (1 packs, the first: ${pack}). All its backups stay. Bring these objects back from the bucket's versions, or repair the repository as the how-to "A damaged repository" says. Then run: verify-volumes read-data=1/1`,
    );
    assert.equal(errorCount(done.verified), 1);
    assert.equal((await rig.records())[0]?.phase, 'PartiallyFailed');
    const { checks } = await readState(rig.store, layout, 'bob');
    assert.deepEqual(
      checks.map(({ kind, about, intact }) => [kind, about, intact]),
      [
        ['check', undefined, true],
        ['data', '1/1', false],
      ],
    );
  });

  it('lets no old backup be removed until who looks at the same finds it intact', async () => {
    const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };
    const backUp = async () => {
      await rig.later(3600);
      const one = { ...config, keep };
      return backUpVolumes(rig.whole, one, { kind: 'matching', pattern: 'bob/*' });
    };
    const pack = packOf('bob');
    rig.store.seed(pack, 'spoiled');
    await verify({ readData: '1/1' });
    await rig.later(60);
    // This one only looks whether all is there.
    await verify();
    const kept = await backUp();
    assert.equal(kept.removed, undefined);
    assert.equal(
      kept.notRemoved,
      'The repository bob was found damaged on 2026-11-21, so all its backups stay: an old one may be the only one that is whole. When it is mended, run: verify-volumes read-data=1/1',
    );
    rig.store.seed(pack, 'many rows');
    await rig.later(60);
    await verify({ readData: '1/1' });
    assert.equal((await backUp()).removed?.length, 2);
  });

  it('is failed when no repository is sound', async () => {
    for (const name of ['alice', 'bob']) rig.store.bucket.remove(packOf(name));
    const done = await verify();
    assert.deepEqual(said(done), [
      ['alice', 'check damaged', 'volume-damaged'],
      ['bob', 'check damaged', 'volume-damaged'],
    ]);
    assert.equal((await rig.records())[0]?.phase, 'Failed');
  });

  it('of one namespace looks at that one', async () => {
    assert.deepEqual(said(await verify({ namespace: 'bob' })), [['bob', 'check intact']]);
    const { message } = await rejectsWithCode(
      verify({ namespace: 'carol' }),
      'volume-backup-missing',
    );
    assert.equal(
      message,
      'There is no repository of the namespace carol, so there is nothing to verify. Run: juju run ckf-backup/leader volume-status',
    );
    assert.equal(rig.restic.commands.length, 1);
  });

  it('restores the newest backup of a volume for a test, in the repository that has it', async () => {
    const done = await verify({ testRestore: alice });
    assert.deepEqual(said(done), [['alice', 'check intact', 'restore intact']]);
    assert.equal(done.verified[0]?.checks[1]?.about, `home ${backup}`);
    assert.deepEqual(rig.restic.commands, ['check: check', 'test-restore: restore']);
    assert.deepEqual(rig.progress.steps[1], `alice: restoring home of ${backup} for a test`);
    await rejectsWithCode(
      verify({ testRestore: { namespace: 'alice', claim: 'nothing' } }),
      'volume-backup-missing',
    );
  });

  it('finds in a test what a check does not see', async () => {
    rig.store.seed(packOf('alice'), 'spoiled');
    const done = await verify({ testRestore: alice });
    assert.deepEqual(said(done), [['alice', 'check intact', 'restore damaged', 'volume-damaged']]);
    assert.deepEqual(done.verified[0]?.checks[1]?.errors, ['/thesis: unexpected contents']);
  });

  it('says why it could not look, and goes on with the others', async () => {
    rig.restic.instead = () =>
      rig.restic.commands.length === 1
        ? { exitCode: 1, output: 'Fatal: unable to open repository' }
        : undefined;
    const done = await verify();
    assert.deepEqual(said(done), [
      ['alice', 'volume-command-failed'],
      ['bob', 'check intact'],
    ]);
    assert.match(
      done.verified[0]?.problem?.message ?? '',
      /^restic check on the repository alice ended with status 1 \(restic failed\): Fatal: unable to open repository$/,
    );
    assert.equal(errorCount(done.verified), 1, 'what nobody has looked at is no sound repository');
    assert.deepEqual((await readState(rig.store, layout, 'alice')).checks, []);
  });

  it('gives a check up after volumes-deadline, and names that option', async () => {
    rig.restic.instead = () =>
      rig.restic.commands.length === 1 ? new Promise(() => undefined) : undefined;
    const done = await verify();
    assert.deepEqual(said(done), [
      ['alice', 'volume-command-failed'],
      ['bob', 'check intact'],
    ]);
    assert.equal(
      done.verified[0]?.problem?.message,
      'restic check on the repository alice did not end in 240 minutes and was stopped. Raise volumes-deadline and run the action again.',
    );
  });

  it('leaves a repository alone in which an operator is at work', async () => {
    const lock = `${layout.repository('bob')}locks/of-an-operator`;
    rig.store.seed(lock, 'a lock');
    assert.deepEqual(said(await verify()), [
      ['alice', 'check intact'],
      ['bob', 'volume-locked'],
    ]);
    assert.ok(rig.store.bucket.find(lock));
    rig.store.bucket.remove(lock);
  });

  it('says which key a repository was made with', async () => {
    rig.key = 'another key';
    assert.deepEqual(said(await verify({ namespace: 'bob' })), [['bob', 'volumes-key-changed']]);
    assert.deepEqual(rig.restic.commands, []);
  });

  it('takes away the lock that a command has left', async () => {
    rig.restic.instead = () => {
      rig.store.seed(`${layout.repository('bob')}locks/of-a-killed-pod`, 'a lock', throughGateway);
      return { exitCode: 137, output: '' };
    };
    assert.deepEqual(said(await verify({ namespace: 'bob' })), [['bob', 'volume-command-failed']]);
  });

  it('leaves the lock of an operator who began meanwhile', async () => {
    const lock = `${layout.repository('bob')}locks/of-an-operator`;
    rig.restic.instead = () => {
      rig.store.seed(lock, 'a lock');
      const message_type = 'summary';
      return { exitCode: 0, output: JSON.stringify({ message_type, num_errors: 0 }) };
    };
    assert.deepEqual(said(await verify({ namespace: 'bob' })), [['bob', 'check intact']]);
    assert.ok(rig.store.bucket.find(lock));
    rig.store.bucket.remove(lock);
  });

  it('stops when it is asked to, before the next repository', async () => {
    const stop = new AbortController();
    rig.restic.instead = async () => {
      stop.abort(new CharmError('interrupted', 'The unit was asked to stop.'));
      await rig.later(60);
      return undefined;
    };
    await rejectsWithCode(verify({}, { ...rig.whole, signal: stop.signal }), 'interrupted');
    assert.equal(rig.restic.commands.length, 1);
    assert.equal((await rig.records())[0]?.phase, 'Running');
  });
});
