import assert from 'node:assert/strict';
import { runBackup } from '../../src/backup/run-backup.ts';
import { CharmError } from '../../src/errors.ts';
import { aBackupWorld } from '../rigs/backup-world.ts';
import { aConfig } from '../rigs/config.ts';

const request = { allowRunning: false, allowShrink: false, takeOver: false, timeoutSeconds: 600 };
const config = aConfig({
  components: ['mlpipeline'],
  keep: { last: 2, daily: 0, weekly: 0, monthly: 0 },
});

describe('the end of a backup', () => {
  it('removes the sets that the retention does not keep', async () => {
    using rig = aBackupWorld();
    const ids: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const { manifest } = await runBackup(rig.whole, config, request);
      ids.push(manifest.id);
      await rig.clock.sleep(60_000);
    }
    const left = [...rig.target.objects.keys()].filter((key) => key.endsWith('manifest.json'));
    assert.deepEqual(
      left,
      ids.slice(1).map((id) => `ckf/sets/${id}/manifest.json`),
    );
  });

  it('is a success also when an older set could not be removed, and says so', async () => {
    using rig = aBackupWorld();
    for (let round = 0; round < 2; round += 1) {
      await runBackup(rig.whole, config, request);
      await rig.clock.sleep(60_000);
    }
    rig.progress.step = async (step) => {
      if (step.includes('complete'))
        rig.target.failNext('delete', new CharmError('store-unreachable', 'S3 is away.'), 10);
    };
    const { manifest } = await runBackup(rig.whole, config, request);
    assert.ok(rig.target.objects.has(`ckf/sets/${manifest.id}/manifest.json`));
    assert.ok(rig.progress.notes.some((note) => note.includes('older sets could not be removed')));
  });
});
