import assert from 'node:assert/strict';
import { backupVolumes } from '../../src/actions/backup-volumes.ts';
import { layoutOf } from '../../src/repository/layout.ts';
import { partAfter } from '../../src/volumes/check-in-turn.ts';
import type { RepositoryCheck } from '../../src/volumes/records/repository-state.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { type VolumeWorldRig, aVolumeWorld, volumesConfig } from '../rigs/volume-world.ts';

const layout = layoutOf('ckf');
const now = new Date('2026-11-21T03:00:00Z');

describe('the part of a repository that is read next', () => {
  const after = (...checks: readonly Partial<RepositoryCheck>[]): string | undefined =>
    partAfter(
      {
        checks: checks.map((check) => ({
          ...{ kind: 'data', at: '2026-11-20T03:00:00Z', intact: true, seconds: 1 },
          ...{ errors: [], packs: [], ...check },
        })),
      },
      28,
      now,
    );

  it('follows the one that was read last, a day before', () => {
    assert.equal(after(), '1/28');
    assert.equal(after({ about: '2/28' }), '3/28');
    assert.equal(after({ about: '28/28' }), '1/28');
    assert.equal(after({ about: '3/7' }), '1/28');
    assert.equal(after({ about: '5/28', intact: false, at: '2026-11-02T03:00:00Z' }), '6/28');
    assert.equal(after({ kind: 'check', at: '2026-11-21T02:00:00Z' }, { about: '2/28' }), '3/28');
    assert.equal(after({ about: '2/28', at: '2026-11-20T22:00:00Z' }), undefined);
  });
});

describe('a scheduled backup of volumes', () => {
  let rig: VolumeWorldRig;
  beforeEach(() => {
    rig = aVolumeWorld();
    rig.addProfile('alice');
    rig.addVolume('alice/home', { 'thesis.md': 'words' });
  });
  afterEach(() => {
    rig[Symbol.dispose]();
  });

  const night = async (
    parameters: Readonly<Record<string, unknown>> = { slot: '2026-11-21T20:00:00Z' },
    changes: Parameters<typeof volumesConfig>[0] = {},
  ) => {
    await rig.later(86_400);
    return backupVolumes(rig.whole, volumesConfig(changes), parameters, []);
  };
  const checks = () => rig.restic.commands.filter((command) => command === 'check: check').length;

  it('reads a part of what is stored, and one that an operator runs does not', async () => {
    await night({});
    await night(undefined, { checkParts: 0 });
    assert.equal(checks(), 0);
    await night();
    await night();
    assert.equal(checks(), 2);
    assert.match(
      rig.store.bucket.find(layout.volumeState('alice'))?.bytes.toString() ?? '',
      /"kind":"data","about":"2\/28"/,
    );
  });

  it('reads also what gets no new backups any longer, first what was read longest ago', async () => {
    rig.addProfile('bob');
    rig.addVolume('bob/data', { rows: 'many' });
    rig.restic.instead = ({ pod }, role) =>
      role === 'check' && JSON.stringify(pod).includes('/repos/bob')
        ? { exitCode: 1, output: 'S3 is away' }
        : undefined;
    await night();
    rig.restic.instead = () => undefined;
    rig.cluster.store.remove('persistentvolumeclaims', 'alice', 'home');
    rig.cluster.store.remove('persistentvolumeclaims', 'bob', 'data');
    const began = rig.progress.steps.length;
    assert.equal((await night())['phase'], 'Skipped');
    assert.deepEqual(rig.progress.steps.slice(began), [
      ...['bob: checking the repository', 'alice: checking the repository'],
    ]);
    const [key = ''] = rig.keysOf('bob', 'data');
    rig.store.seed(key, 'spoiled');
    const { message } = await rejectsWithCode(night(), 'volume-damaged');
    assert.ok(message.includes(key), message);
  });

  it('does not look into a repository that was never made', async () => {
    rig.restic.instead = (_run, role) =>
      role === 'init' ? { exitCode: 1, output: 'S3 is away' } : undefined;
    await rejectsWithCode(night(), 'volumes-failed');
    assert.equal(checks(), 0);
  });

  it('fails when what is stored is damaged, and says which object', async () => {
    await night();
    const [key = ''] = rig.keysOf('alice', 'data');
    rig.store.seed(key, 'spoiled');
    const { message, results } = await rejectsWithCode(night(), 'volume-damaged');
    assert.ok(message.includes(key), message);
    assert.equal(results['succeeded'], '1');
    const [record] = await rig.records();
    assert.deepEqual([record?.phase, record?.reason], ['PartiallyFailed', message]);
  });

  it('is none the worse when nothing could be looked at', async () => {
    rig.restic.instead = (_run, role) =>
      role === 'check' ? { exitCode: 1, output: 'S3 is away' } : undefined;
    assert.equal((await night())['phase'], 'Succeeded');
    assert.match(rig.progress.notes.join('\n'), /S3 is away/);
  });
});
