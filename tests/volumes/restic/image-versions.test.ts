import assert from 'node:assert/strict';
import { layoutOf } from '../../../src/repository/layout.ts';
import { backUpVolumes } from '../../../src/volumes/back-up-volumes.ts';
import { oursIn } from '../../fakes/cluster.ts';
import { rejectsWithCode } from '../../rejects-with-code.ts';
import { type VolumeWorldRig, aVolumeWorld, volumesConfig } from '../../rigs/volume-world.ts';

const layout = layoutOf('ckf');

describe('the images of restic and rclone', () => {
  let rig: VolumeWorldRig;
  beforeEach(() => {
    rig = aVolumeWorld();
    rig.addProfile('alice');
    rig.addVolume('alice/home', { 'thesis.md': 'words' });
    rig.store.bucket.remove(layout.volumeImages);
  });
  afterEach(() => {
    assert.deepEqual(oursIn(rig.cluster), []);
    rig[Symbol.dispose]();
  });

  const backUp = async (changes: Parameters<typeof volumesConfig>[0] = {}) => {
    const record = await backUpVolumes(rig.whole, volumesConfig(changes).volumes, { kind: 'all' });
    await rig.later(3600);
    return record;
  };
  const asked = () => rig.restic.commands.filter((command) => command.startsWith('versions'));

  it('are asked once for their versions', async () => {
    for (const night of [1, 2]) assert.equal((await backUp()).phase, 'Succeeded', `night ${night}`);
    assert.deepEqual(asked(), ['versions: version', 'versions: version']);
  });

  it('are asked again when one is another, or what was known cannot be read', async () => {
    await backUp();
    await backUp({ rcloneImage: 'mirror.test/rclone:1.76.0' });
    assert.equal(asked().length, 4);
    rig.store.seed(layout.volumeImages, '{');
    await backUp({ rcloneImage: 'mirror.test/rclone:1.76.0' });
    assert.equal(asked().length, 6);
  });

  for (const [program, said, words] of [
    [
      'restic',
      'restic 0.17.3 compiled with go1.22.2',
      /has restic 0\.17\.3\. It must be 0\.18\.0 /,
    ],
    ['rclone', 'rclone v1.74.3\n- os/version: x', /has rclone 1\.74\.3\. It must be 1\.75\.0 /],
    [
      'rclone',
      'exec: not found',
      /has no rclone that tells its version, but said: exec: not found/,
    ],
  ] as const)
    it(`are refused when ${program} says "${said.split('\n')[0] ?? ''}", each time`, async () => {
      rig.restic.versions[program] = said;
      for (const night of [1, 2]) {
        const { message } = await rejectsWithCode(backUp(), 'volume-image-old');
        assert.match(message, words, `night ${night}`);
        await rig.later(3600);
      }
      assert.equal(asked().length, 4);
      const [record] = await rig.records();
      assert.equal(record?.phase, 'Failed');
      assert.match(record.reason ?? '', words);
      assert.equal(record.volumes[0]?.code, 'volume-image-old');
      assert.equal(await rig.journal.volumeSession(), undefined);
    });

  it('are those of the projects from these versions on', async () => {
    rig.restic.versions['restic'] = 'restic 0.18.0 compiled with go1.24.4';
    rig.restic.versions['rclone'] = 'rclone v1.75.0-beta.8012.abc\n';
    assert.equal((await backUp()).phase, 'Succeeded');
  });
});
