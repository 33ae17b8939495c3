import assert from 'node:assert/strict';
import { restoreVolume } from '../../src/actions/restore-volume.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { type VolumeWorldRig, aVolumeBackedUpTwice, volumesConfig } from '../rigs/volume-world.ts';

describe('restore-volume', () => {
  let rig: VolumeWorldRig;
  let made: readonly string[];
  beforeEach(async () => {
    ({ rig, made } = await aVolumeBackedUpTwice(['first', 'second']));
  });
  afterEach(() => {
    rig[Symbol.dispose]();
  });

  const run = (parameters: Readonly<Record<string, unknown>>) =>
    restoreVolume(rig.whole, volumesConfig(), {
      ...{ volume: 'bob/data', backup: 'latest', 'as-of': '', to: '', into: '', include: '' },
      ...{ 'delete-extra': false, create: false, 'dry-run': false, confirm: '' },
      ...parameters,
    });
  const rows = (volume = 'bob/data', path = 'rows') => rig.restic.filesOf(volume).get(path);

  it('says what was restored, and the backup of what was there before', async () => {
    rig.restic.filesOf('bob/data').set('rows', 'spoiled');
    const { session, 'safety-backup': saved, ...results } = await run({ confirm: 'bob/data' });
    assert.deepEqual(results, {
      ...{ volume: 'bob/data', backup: made[1], files: '1', size: '6 B' },
      ...{ 'dry-run': 'false', 'new-claim': 'false', overwrites: 'true' },
    });
    assert.equal(rows(), 'second');
    assert.deepEqual(
      (await rig.records()).slice(0, 2).map(({ id, kind }) => [id, kind]),
      [
        [session, 'restore'],
        [saved, 'backup'],
      ],
    );
  });

  it('says in a dry run what it would do', async () => {
    assert.deepEqual(await run({ 'dry-run': true, into: '/back/monday/' }), {
      ...{ volume: 'bob/data', backup: made[1], files: '1', size: '6 B' },
      ...{ 'dry-run': 'true', 'new-claim': 'false', overwrites: 'false' },
    });
  });

  it('takes a backup by its id or by a time, and not by both', async () => {
    const of = async (parameters: Readonly<Record<string, unknown>>) =>
      (await run({ 'dry-run': true, ...parameters }))['backup'];
    assert.equal(await of({ backup: made[0] }), made[0]);
    assert.equal(await of({ 'as-of': '2026-11-21T21:00:00Z' }), made[0]);
    const { message } = await rejectsWithCode(
      of({ backup: made[0], 'as-of': '2026-11-21T21:00:00Z' }),
      'parameter-invalid',
    );
    assert.match(message, /both say which backup to restore\. Nothing was changed/);
    await rejectsWithCode(of({ 'as-of': '2030-01-01T00:00:00Z' }), 'parameter-invalid');
  });

  it('takes another claim of the same namespace by its name alone', async () => {
    rig.addVolume('bob/second');
    for (const to of ['second', 'bob/second']) {
      const results = await run({ to, confirm: 'bob/second' });
      assert.equal(results['volume'], 'bob/second');
      await rig.later(60);
    }
    assert.equal(rows('bob/second'), 'second');
  });

  it('restores into a folder, wherever slashes stand', async () => {
    const { folder, session } = await run({ into: '/back/monday/' });
    assert.equal(folder, `/back/monday/${session ?? ''}`);
    assert.equal(rows('bob/data', `${folder.slice(1)}/rows`), 'second');
  });

  for (const [parameter, value, message] of [
    ['into', '..', /^into=\.\. is not a folder of the volume/],
    ['into', 'a/../../b', /^into=a\/\.\.\/\.\.\/b is not a folder/],
    ['into', '/', /^into=\/ is not a folder/],
    ['into', 'a//b', /^into=a\/\/b is not a folder/],
    ['volume', 'bob', /^volume=bob is not the name of a volume/],
    ['volume', undefined, /^volume=undefined is not the name of a volume/],
    ['to', 'a/b/c', /^to=a\/b\/c is not the name of a volume/],
  ] as const)
    it(`refuses ${parameter}=${String(value)}, and asks nobody`, async () => {
      const error = await rejectsWithCode(run({ [parameter]: value }), 'parameter-invalid');
      assert.match(error.message, message);
      assert.deepEqual(rig.opened, []);
    });
});
