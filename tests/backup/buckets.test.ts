import assert from 'node:assert/strict';
import type { Config } from '../../src/config/config.ts';
import { runBackup } from '../../src/backup/run-backup.ts';
import { layoutOf } from '../../src/repository/layout.ts';
import type { BackupManifest } from '../../src/repository/manifest.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { aBackupWorld, type BackupWorldRig } from '../rigs/backup-world.ts';
import { aConfig } from '../rigs/config.ts';
import { md5Of } from '../../src/ports/etags.ts';

const request = { allowRunning: false, allowShrink: false, takeOver: false, timeoutSeconds: 600 };
const layout = layoutOf('ckf');

describe('the buckets of a backup', () => {
  let rig: BackupWorldRig;
  beforeEach(() => {
    rig = aBackupWorld();
    for (const path of ['ckf/kfp-db', 'ckf/katib-db'])
      rig.target.seed(`${path}/2026-11-21T20:15:10Z.md5`, 'x');
  });
  afterEach(() => {
    rig[Symbol.dispose]();
  });

  const backUp = async (
    components: Config['components'] = ['mlpipeline'],
  ): Promise<BackupManifest> => {
    await rig.clock.sleep(60_000);
    return (await runBackup(rig.whole, aConfig({ components }), request)).manifest;
  };
  /** An object whose ETag does not prove its copy, as with encryption by a key service. */
  const seedOpaque = (key: string, content: string): void => {
    rig.source.bucket.store(key, Buffer.from(content), {}, [
      md5Of(Buffer.from('?')),
      md5Of(Buffer.from(key)),
    ]);
  };
  const historyOf = (key: string): string[] =>
    [...rig.target.objects.keys()].filter((one) =>
      one.startsWith(`ckf/history/mlpipeline/${key}/`),
    );

  it('are compared with the newest set that has the bucket, not with one of other components', async () => {
    for (let index = 0; index < 101; index += 1) rig.source.seed(`runs/${index}`, `${index}`);
    await backUp();
    await backUp(['kfp-db']);
    const keys = [...rig.source.objects.keys()].filter((key) => key !== 'pipelines/1');
    await rig.source.delete(keys);
    await rejectsWithCode(backUp(), 'source-shrunk');
  });

  it('are not copied again after a set of other components', async () => {
    seedOpaque('opaque', 'content');
    await backUp();
    await backUp(['kfp-db']);
    assert.equal((await backUp()).buckets[0]?.copied, 0);
  });

  it('keep what is replaced while any set exists, though none of them can be read', async () => {
    const { id } = await backUp();
    const key = layout.manifest(id);
    const text = rig.target.bucket.get(key).bytes.toString();
    rig.target.seed(key, text.replace('"format": 1', '"format": 2'));
    rig.source.seed('pipelines/1', 'A PIPELINE');
    await backUp();
    const [kept] = historyOf('pipelines/1');
    assert.equal(rig.target.bucket.get(kept!).bytes.toString(), 'a pipeline');
  });

  it('keep what is replaced while there is a set of which not even the name is understood', async () => {
    rig.target.seed('ckf/sets/2027-W03/manifest.json', '{}');
    rig.target.seed('ckf/mlpipeline/pipelines/1', 'of that set');
    await backUp();
    assert.equal(historyOf('pipelines/1').length, 1);
  });

  const damages: Readonly<Record<string, (key: string) => void>> = {
    missing: (key) => {
      rig.target.bucket.remove(key);
    },
    'cut short': (key) => {
      rig.target.seed(key, rig.target.bucket.get(key).bytes.subarray(0, 30));
    },
    'that of another set': (key) => {
      rig.target.seed(key, rig.target.bucket.get(key).bytes.toReversed());
    },
  };
  for (const [damage, spoil] of Object.entries(damages))
    it(`are backed up although the object list of the newest set is ${damage}, and that is said`, async () => {
      seedOpaque('opaque', 'content');
      const { id } = await backUp();
      spoil(layout.objectList(id, 'mlpipeline'));
      rig.source.seed('pipelines/1', 'A PIPELINE');
      const { buckets } = await backUp();
      assert.equal(buckets[0]?.objects, 2);
      assert.equal(historyOf('pipelines/1').length, 1);
      assert.ok(rig.progress.notes.some((note) => /object list .* cannot be used/.test(note)));
    });
});
