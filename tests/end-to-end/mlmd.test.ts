import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mlmdPod } from '../sandbox/box/mlmd-pod.ts';
import type { Box } from '../sandbox/box.ts';
import { copyOfBox } from '../rigs/copy-of-box.ts';
import { expectFailure } from './expect-failure.ts';

const copyForMlmd = async (): Promise<Box> => {
  const box = await copyOfBox();
  await box.configure({ components: 'mlmd' });
  return box;
};

describe('a backup of ML Metadata in bad weather', () => {
  it('leaves no dump when the pod restarts meanwhile', async () => {
    await using box = await copyForMlmd();
    for (let exec = 0; exec < 20; exec++)
      box.kubernetes.execFaults.push({ kind: 'restart', afterBytes: 1000 });
    await expectFailure(box, 'mlmd-dump-failed');
  });

  it('says that the pod is not there', async () => {
    await using box = await copyForMlmd();
    box.kubernetes.removePod('mlmd-0');
    await expectFailure(box, 'mlmd-missing');
  });

  it('does not take a corrupt database for a backup', async () => {
    await using box = await copyForMlmd();
    await box.mlmd.stopWriting();
    const { size } = statSync(box.mlmd.file);
    const file = openSync(box.mlmd.file, 'r+');
    writeSync(file, Buffer.alloc(8192, 0x5a), 0, 8192, Math.floor(size / 2 / 4096) * 4096);
    closeSync(file);
    await expectFailure(box, 'mlmd-corrupt');
  });

  it('says that the disk of the pod is full', async () => {
    await using box = await copyForMlmd();
    const volume = dirname(box.mlmd.file);
    const pod = mlmdPod(join(volume, '../mlmd-0'), volume);
    const { charm } = pod.containers;
    box.kubernetes.setPod('mlmd-0', {
      ...pod,
      containers: { ...pod.containers, charm: { ...charm!, fileSizeLimit: 64 } },
    });
    await expectFailure(box, 'mlmd-dump-failed');
  });
});
