import assert from 'node:assert/strict';
import { deleteVolumeBackups } from '../../src/actions/delete-volume-backups.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { type VolumeWorldRig, aVolumeBackedUpTwice, volumesConfig } from '../rigs/volume-world.ts';

describe('delete-volume-backups', () => {
  let rig: VolumeWorldRig;
  let made: readonly string[];
  beforeEach(async () => {
    ({ rig, made } = await aVolumeBackedUpTwice(['first '.repeat(400), 'second '.repeat(400)]));
  });
  afterEach(() => {
    rig[Symbol.dispose]();
  });

  const run = (parameters: Readonly<Record<string, unknown>>) =>
    deleteVolumeBackups(rig.whole, volumesConfig(), {
      ...{ volume: 'bob/data', backup: '', 'older-than': '', all: false, 'dry-run': false },
      ...{ confirm: 'bob/data', ...parameters },
    });

  it('says which went, and how much space that gave back', async () => {
    const { session, ...results } = await run({ backup: made[0] });
    assert.deepEqual(results, {
      ...{ 'dry-run': 'false', removed: `bob/data ${made[0] ?? ''}`, 'removed-backups': '1' },
      freed: '2.3 KiB',
    });
    assert.equal(session, (await rig.records())[0]?.id);
  });

  it('says in a dry run what would go and what stays, without the confirmation', async () => {
    const results = await run({ 'older-than': '30m', 'dry-run': true, confirm: '' });
    assert.deepEqual(results, {
      ...{ 'dry-run': 'true', removed: `bob/data ${made[0] ?? ''}`, 'removed-backups': '1' },
      spared: `bob/data ${made[1] ?? ''}`,
    });
    const none = await run({ 'older-than': '90m', volume: 'bob/d*', 'dry-run': true });
    assert.equal(none['removed'], `bob/data ${made[0] ?? ''}`);
  });

  it('removes nothing without the confirmation', async () => {
    for (const confirm of ['', 'bob', 'true']) {
      const { message } = await rejectsWithCode(run({ all: true, confirm }), 'parameter-invalid');
      assert.match(message, /Run the action again with confirm=bob\/data, or with dry-run=true/);
    }
    assert.deepEqual(rig.opened, []);
  });

  for (const [what, parameters, message] of [
    ['of no kind', {}, /with one of backup=<id>, older-than=<time> and all=true/],
    ['of two kinds', { all: true, 'older-than': '1m' }, /with one of/],
    ['of no time', { 'older-than': 'soon' }, /^older-than=soon is not a time, such as 90d or 12h/],
    ['of no id', { backup: 'latest' }, /^backup=latest is not the id of a backup/],
    ['of all namespaces', { volume: '*/*', all: true }, /^volume=\*\/\* is neither the name/],
    ['of a namespace', { volume: 'bob', all: true }, /^volume=bob is neither the name/],
    ['of nothing', { volume: undefined, all: true }, /^volume= is neither the name/],
  ] as const)
    it(`refuses backups ${what}, and asks nobody`, async () => {
      const error = await rejectsWithCode(
        run({ ...parameters, 'dry-run': true }),
        'parameter-invalid',
      );
      assert.match(error.message, message);
      assert.deepEqual(rig.opened, []);
    });
});
