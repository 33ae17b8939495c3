import assert from 'node:assert/strict';
import { verifyVolumes } from '../../src/actions/verify-volumes.ts';
import { backUpVolumes } from '../../src/volumes/back-up-volumes.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { type VolumeWorldRig, aVolumeWorld, volumesConfig } from '../rigs/volume-world.ts';

describe('verify-volumes', () => {
  let rig: VolumeWorldRig;
  beforeEach(async () => {
    rig = aVolumeWorld();
    for (const user of ['alice', 'bob']) rig.addProfile(user);
    rig.addVolume('alice/home', { thesis: 'words' });
    rig.addVolume('bob/data', { rows: 'many rows' });
    await backUpVolumes(rig.whole, volumesConfig().volumes, { kind: 'all' });
    await rig.later(3600);
    rig.opened.length = 0;
    rig.progress.notes.length = 0;
  });
  afterEach(() => {
    rig[Symbol.dispose]();
  });

  const run = (parameters: Readonly<Record<string, unknown>> = {}) =>
    verifyVolumes(rig.whole, volumesConfig(), {
      ...{ namespace: '', 'read-data': '', 'test-restore': '', ...parameters },
    });
  const lines = (table = '') => table.split('\n').map((line) => line.replaceAll(/ +/g, ' '));
  const spoil = (repository: string): string => {
    const [key = ''] = rig.keysOf(repository, 'data');
    rig.store.seed(key, 'spoiled');
    return key.split('/').at(-1) ?? '';
  };

  it('says of each repository what was looked at', async () => {
    const { session, repositories, ...results } = await run();
    assert.deepEqual(results, { verified: '2', errors: '0' });
    assert.equal(lines(repositories)[0], 'REPOSITORY RESULT TOOK');
    assert.match(lines(repositories)[1] ?? '', /^alice checked \d+s ago \d+s$/);
    assert.equal(session, (await rig.records())[0]?.id);
  });

  it('says that a backup came back in a test', async () => {
    const { repositories } = await run({ 'test-restore': 'bob/data', namespace: 'bob' });
    assert.match(lines(repositories)[1] ?? '', /^bob checked \d+s ago, restored \d+s ago \d+s$/);
  });

  it('fails with the damage, and names what is damaged', async () => {
    const pack = spoil('bob');
    const error = await rejectsWithCode(run({ 'read-data': '1/1' }), 'volume-damaged');
    assert.match(error.message, new RegExp(`^The repository bob is damaged .*/data/../${pack}`));
    const { repositories, ...results } = error.results;
    assert.deepEqual(
      lines(repositories)
        .slice(1)
        .map((line) => line.split(' ').slice(0, 2)),
      [
        ['alice', '1/1'],
        ['bob', 'volume-damaged'],
      ],
    );
    assert.deepEqual(
      { ...results, session: '' },
      {
        ...{ session: '', verified: '1', errors: '1', 'damaged-packs': pack },
        'first-errors': `pack ${pack} contains 1 errors`,
      },
    );
    assert.deepEqual(rig.progress.notes, [error.message]);
  });

  it('tells damage before what could not be looked at', async () => {
    spoil('bob');
    const first = rig.restic.commands.length + 1;
    rig.restic.instead = () =>
      rig.restic.commands.length === first
        ? { exitCode: 1, output: 'Fatal: S3 is away' }
        : undefined;
    const error = await rejectsWithCode(run({ 'read-data': '1/1' }), 'volume-damaged');
    assert.match(
      error.message,
      /^2 of 2 repositories are damaged or could not be verified\. The first: The repository bob is damaged/,
    );
    assert.deepEqual(
      error.problems.map(({ code }) => code),
      ['volume-command-failed', 'volume-damaged'],
    );
    assert.deepEqual([error.results['verified'], error.results['errors']], ['0', '2']);
  });

  for (const [what, parameters, message] of [
    ['a part beyond the last', { 'read-data': '3/2' }, /^read-data=3\/2 is not a part of the data/],
    ['no part', { 'read-data': '0/2' }, /^read-data=0\/2 is not a part/],
    ['a share', { 'read-data': '10%' }, /^read-data=10% is not a part/],
    [
      'a volume of another namespace',
      { 'test-restore': 'alice/home', namespace: 'bob' },
      /^test-restore=alice\/home is not of the namespace bob\. Nothing was verified\.$/,
    ],
    ['no volume', { 'test-restore': 'alice' }, /^test-restore=alice is not the name of a volume/],
  ] as const)
    it(`refuses ${what}, and asks nobody`, async () => {
      const error = await rejectsWithCode(run(parameters), 'parameter-invalid');
      assert.match(error.message, message);
      assert.deepEqual(rig.opened, []);
    });
});
