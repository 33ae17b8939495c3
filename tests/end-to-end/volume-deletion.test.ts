import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { needsVolumeTools } from '../rigs/needs.ts';
import { resticByHand, until } from '../rigs/restic.ts';
import { assertEnded, boxWithVolumes } from '../rigs/volumes.ts';
import { addClaim } from '../sandbox/box/volumes.ts';

describe('delete-volume-backups', () => {
  const opened = boxWithVolumes();
  /** Of bob/data, oldest first. */
  const made: string[] = [];
  before(async function () {
    await needsVolumeTools(this);
    const { box, volumes } = opened();
    addClaim(volumes.workloads, 'bob', 'other');
    for (let count = 0; count < 3; count += 1) {
      for (const volume of ['bob/data', 'bob/other'])
        writeFileSync(join(volumes.at(volume), 'big'), randomBytes(1_000_000));
      const { status, message, results } = await box.run('backup-volumes', { volumes: 'bob/*' });
      assert.equal(status, 'completed', message);
      made.push(String(results['session']));
    }
  });
  afterEach(() => {
    assertEnded(opened());
  });

  const remove = async (parameters: Readonly<Record<string, unknown>>) =>
    opened().box.run('delete-volume-backups', { volume: 'bob/data', ...parameters });
  const fails = async (parameters: Readonly<Record<string, unknown>>, code: string) => {
    const { status, message, results } = await remove(parameters);
    assert.equal(status, 'failed');
    assert.equal(results['error-code'], code, message);
    return message;
  };
  const listed = async (volume: string): Promise<readonly string[]> => {
    const { results } = await opened().box.run('list-volume-backups', { volume });
    return [...String(results['backups']).matchAll(/^\d{8}t\d{6}z/gm)].map(([id]) => id);
  };
  const snapshots = (): number => {
    const { box } = opened();
    return box.stores.target.contents.keys(
      ...(['ckf-backups', `${box.prefix}/volumes/repos/bob/snapshots/`] as const),
    ).length;
  };

  it('refuses what is not clear, and removes nothing without the confirmation', async () => {
    const message = await fails({ all: true, confirm: 'bob' }, 'parameter-invalid');
    assert.match(message, /confirm=bob\/data/);
    for (const wrong of [
      {},
      { all: true, 'older-than': '1m' },
      { 'older-than': 'soon' },
      { backup: 'latest' },
      { volume: '*/*', all: true },
      { volume: 'bob', all: true },
    ])
      await fails({ confirm: 'bob/data', ...wrong, 'dry-run': true }, 'parameter-invalid');
    await fails({ backup: '20200101t000000z', 'dry-run': true }, 'volume-backup-missing');
    await fails({ volume: 'nobody/x', all: true, 'dry-run': true }, 'volume-backup-missing');
    assert.equal(snapshots(), 6);
  });

  it('says what would go, and spares the last of each volume of a user', async () => {
    const { results } = await remove({ volume: 'bob/*', all: true, 'dry-run': true });
    assert.equal(results['dry-run'], 'true');
    assert.equal(results['removed-backups'], '4');
    assert.match(String(results['spared']), new RegExp(`bob/data ${made[2] ?? ''}`));
    assert.equal(snapshots(), 6);
    const message = await fails(
      { volume: 'bob/d*', backup: made[2], confirm: 'bob/d*' },
      'volume-backup-missing',
    );
    assert.match(message, /last ones of their volumes/);
  });

  it('removes one backup, and gives its space back', async () => {
    const { results, message } = await remove({ backup: made[0], confirm: 'bob/data' });
    assert.equal(results['removed'], `bob/data ${made[0] ?? ''}`, message);
    assert.match(String(results['freed']), /KiB|MiB/);
    assert.deepEqual(await listed('bob/data'), [made[2], made[1]]);
    assert.equal((await listed('bob/other')).length, 3);
    assert.equal(snapshots(), 5);
    await resticByHand(opened(), 'bob', ['check', '--read-data']);
  });

  it('is finished by the same command when it was killed, also when no backup is left', async () => {
    const { box, volumes } = opened();
    const all = { all: true, confirm: 'bob/data', volume: 'bob/data' };
    const running = box.start('delete-volume-backups', all);
    await until(() =>
      volumes.workloads.store
        .all('pods')
        .find(({ metadata }) => metadata.labels?.['ckf-backup/role'] === 'forget-0'),
    );
    running.signal('SIGKILL');
    await running.done.catch(() => undefined);
    assert.equal((await box.hook('update-status')).exitCode, 0);
    assertEnded(opened());
    assert.deepEqual(await listed('bob/data'), []);
    const { status, message } = await remove(all);
    assert.equal(status, 'completed', message);
    assert.equal(snapshots(), 3, 'those of the other volume');
    await fails(all, 'volume-backup-missing');
    await resticByHand(opened(), 'bob', ['check']);
  });
});
