import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runBackup } from '../../src/backup/run-backup.ts';
import { layoutOf } from '../../src/repository/layout.ts';
import { hasCode } from '../../src/errors.ts';
import { aBackupWorld, type BackupWorldRig } from '../rigs/backup-world.ts';
import { aConfig } from '../rigs/config.ts';
import { frozenWorld } from '../rigs/frozen-world.ts';
import { restoredFrom } from '../rigs/vault.ts';

const request = { allowRunning: false, allowShrink: false, takeOver: false, timeoutSeconds: 600 };
const config = aConfig({ components: ['mlpipeline'] });

/*
 * A unit that stops for longer than its lock lasts, as a virtual machine can, and goes on where it
 * was: the lock is another's by then, and so is what lies in the mirror.
 */
describe('a backup that was frozen for longer than its lock lasts', () => {
  let rig: BackupWorldRig;
  let scratch: string;
  beforeEach(() => {
    rig = aBackupWorld();
    scratch = mkdtempSync(join(tmpdir(), 'frozen-'));
  });
  afterEach(() => {
    rig[Symbol.dispose]();
    rmSync(scratch, { recursive: true });
  });

  for (const [where, moment] of Object.entries({
    'while it read an object': 'source.fetch pipelines/1',
    'while it listed the mirror': 'target.list ckf/mlpipeline/',
    'before it wrote its object list': 'target.upload ckf/sets/',
  }))
    it(`and stopped ${where} changes nothing of the other unit's set`, async () => {
      const slow = frozenWorld(rig.whole, (call) => call.startsWith(moment));
      const outcome = runBackup(slow.world, config, request).then(
        () => undefined,
        (error: unknown) => error,
      );
      await slow.frozen;
      await rig.clock.sleep(11 * 60_000);
      rig.source.seed('pipelines/1', 'what the other unit backs up');
      const other = { ...rig.whole, unit: 'ckf-backup/1', scratch };
      const { manifest } = await runBackup(other, config, request);
      rig.source.seed('pipelines/1', 'what came later');
      slow.thaw();
      const error = await outcome;
      assert.ok(hasCode(error, 'backup-running'), String(error));
      const objects = await restoredFrom(rig.target, manifest.id);
      assert.deepEqual(
        [...objects].map(([key, bytes]) => [key, bytes.toString()]),
        [['pipelines/1', 'what the other unit backs up']],
      );
      const manifests = [...rig.target.objects.keys()].filter((key) =>
        key.endsWith('/manifest.json'),
      );
      assert.deepEqual(manifests, [layoutOf('ckf').manifest(manifest.id)]);
    });
});
