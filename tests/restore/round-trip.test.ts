import assert from 'node:assert/strict';
import { copyOfBox } from '../end-to-end/copy-of-box.ts';
import type { Box } from '../sandbox/box.ts';
import { contentsOf, destroy } from './box-contents.ts';

const backUp = async (box: Box): Promise<string> => {
  const run = await box.run('backup-control-plane');
  assert.equal(run.status, 'completed', run.message);
  return String(run.results['backup-id']);
};

describe('a restore on the box', function () {
  this.timeout(120_000);

  it('brings everything back: every object byte for byte, every row of all databases', async () => {
    await using box = await copyOfBox({ databaseUnits: 3 });
    await box.mlmd.stopWriting();
    const scales = box.scales();
    const before = contentsOf(box);
    const id = await backUp(box);
    destroy(box);

    const run = await box.run('restore-control-plane', { 'backup-id': id, confirm: 'kubeflow' });

    assert.equal(run.status, 'completed', run.message);
    assert.deepEqual(contentsOf(box), before);
    assert.deepEqual(box.scales(), scales);
  });
});
