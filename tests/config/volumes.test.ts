import assert from 'node:assert/strict';
import { parseBandwidthLimit } from '../../src/config/bandwidth-limit.ts';
import { parseConfig } from '../../src/config/config.ts';
import { readVolumesKey } from '../../src/config/volumes-key.ts';
import { CharmError } from '../../src/errors.ts';
import { FakeHookTools } from '../fakes/hook-tools.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';

describe('the options of volumes', () => {
  it('are off, and mean the profiles, unless somebody says otherwise', () => {
    const { volumes } = parseConfig({});
    assert.equal(volumes.key, undefined);
    assert.deepEqual(volumes.patterns, [{ namespace: '*', claim: '*' }]);
    assert.equal(volumes.deadline, 4 * 3_600_000);
    assert.deepEqual(volumes.keep, { last: 3, daily: 7, weekly: 4, monthly: 6 });
    assert.equal(parseConfig({ 'volumes-keep': '' }).volumes.keep.last, 0);
  });

  it('name images by digest, which nobody can move to another image', () => {
    const { resticImage, rcloneImage } = parseConfig({}).volumes;
    for (const image of [resticImage, rcloneImage])
      assert.match(image, /:[\d.]+@sha256:[\da-f]{64}$/);
  });

  it('are read', () => {
    const { volumes } = parseConfig({
      volumes: 'alice/*, jupyterhub/claim-*',
      'volumes-key': 'secret:abc',
      'volumes-in-use': 'idle',
      'volumes-run-as': 'notebook',
      'volumes-exclude': '*.ckpt, ,tmp',
      'volumes-parallel': 4,
      'volumes-deadline': '90m',
      'volumes-memory': '2500Mi',
      'volumes-keep': 'last=2, weekly = 5',
      'volumes-prune-days': 0,
      'volumes-check-subset': '1/7',
      'restic-image': 'registry.example.com:5000/restic/restic:0.19.1',
      'rclone-image': `rclone/rclone@sha256:${'0'.repeat(64)}`,
      'bandwidth-limit': '08:00,512k 23:00,off',
    });
    assert.deepEqual(volumes, {
      inUse: 'idle',
      runAs: 'notebook',
      key: 'secret:abc',
      patterns: [
        { namespace: 'alice', claim: '*' },
        { namespace: 'jupyterhub', claim: 'claim-*' },
      ],
      exclude: ['*.ckpt', 'tmp'],
      parallel: 4,
      deadline: 90 * 60_000,
      memory: '2500Mi',
      keep: { last: 2, daily: 0, weekly: 5, monthly: 0 },
      pruneDays: 0,
      checkParts: 7,
      resticImage: 'registry.example.com:5000/restic/restic:0.19.1',
      rcloneImage: `rclone/rclone@sha256:${'0'.repeat(64)}`,
      bandwidthLimit: parseBandwidthLimit('08:00,512k 23:00,off'),
    });
  });

  it('are refused when they mean nothing', () => {
    for (const wrong of [
      { volumes: 'alice' },
      { volumes: 'a/b/c' },
      { volumes: '' },
      { volumes: 'Alice/*' },
      { 'volumes-parallel': 0 },
      { 'volumes-in-use': 'never' },
      { 'volumes-deadline': 'soon' },
      { 'volumes-memory': '511Mi' },
      { 'volumes-memory': '2G' },
      { 'volumes-memory': 'much' },
      { 'volumes-in-use': 'never' },
      { 'volumes-run-as': 'nobody' },
      { 'volumes-keep': 'daily' },
      { 'volumes-keep': 'yearly=1' },
      { 'volumes-keep': 'last=1,last=2' },
      { 'volumes-keep': 'last=10001' },
      { 'volumes-keep': 'last=-1' },
      { 'volumes-prune-days': -1 },
      { 'volumes-check-subset': '2/7' },
      { 'volumes-check-subset': '1/0' },
      { 'restic-image': 'no image' },
      { 'rclone-image': '' },
    ])
      assert.throws(() => parseConfig(wrong), CharmError, JSON.stringify(wrong));
  });

  it('do not show what was put where the key’s URI belongs', () => {
    assert.throws(
      () => parseConfig({ 'volumes-key': 'the key itself' }),
      (error) => error instanceof Error && !error.message.includes('the key itself'),
    );
  });

  it('lead to a key of at least 32 characters, or say what to do', async () => {
    const tools = new FakeHookTools();
    const { volumes } = parseConfig({});
    const read = (id: string | undefined) =>
      readVolumesKey(tools, { ...parseConfig({}), volumes: { ...volumes, key: id } }, 'ckf-backup');
    const { message } = await rejectsWithCode(read(undefined), 'volumes-off');
    assert.match(message, /juju add-secret volumes-key/);
    await rejectsWithCode(read('secret:nothing'), 'volumes-key-invalid');
    tools.secrets.set('secret:short', { content: { key: 'short' }, granted: true, grants: [] });
    await rejectsWithCode(read('secret:short'), 'volumes-key-invalid');
    const key = 'k'.repeat(32);
    tools.secrets.set('secret:right', { content: { key }, granted: true, grants: [] });
    assert.equal(await read('secret:right'), key);
  });
});
