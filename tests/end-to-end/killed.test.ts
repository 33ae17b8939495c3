import assert from 'node:assert/strict';
import { copyOfBox } from '../rigs/copy-of-box.ts';
import { assertNothingRuns } from './expect-failure.ts';

describe('a backup that is killed', () => {
  it('is undone by the next hook, from the journal', async () => {
    await using box = await copyOfBox();
    const scales = box.scales();
    const started = box.start('backup-control-plane');
    await box.model.until(({ applications }) => applications['kfp-db']?.scale === 2);
    started.cancel();
    assert.equal((await started.done).status, 'failed');
    assert.equal(box.scales()['kfp-db'], 2);

    await box.hook('update-status');
    assert.deepEqual(box.scales(), scales);
    assertNothingRuns(box);
    assert.match(box.unit.agent.state.unitStatus.message, /^Ready/);

    await box.configure({ components: 'mlpipeline' });
    assert.equal((await box.run('backup-control-plane')).status, 'completed');
  });
});
