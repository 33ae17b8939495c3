import assert from 'node:assert/strict';
import { CharmError } from '../../../src/errors.ts';
import { layoutOf } from '../../../src/repository/layout.ts';
import { openSessionLog } from '../../../src/volumes/records/session-log.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { intercept } from '../../rigs/intercept.ts';

describe('the log of a session of volumes', () => {
  it('fails nothing while S3 does not take it, and is whole once S3 does', async () => {
    const [clock, store, layout] = [new FakeClock(), new FakeObjectStore(), layoutOf('ckf')];
    const said: string[] = [];
    const say = async (text: string): Promise<void> => {
      said.push(text);
    };
    const log = openSessionLog(
      { store, layout, session: '20261121t201500z' },
      { clock, progress: { step: say, note: say } },
    );
    const putBack = intercept(store, 'put', () => async () => {
      throw new CharmError('store-unreachable', 'S3 is away.');
    });
    await clock.sleep(60_000);
    await log.progress.step('first');
    await log.flush();
    putBack();
    await log.progress.note('second');
    await log.flush();
    assert.deepEqual(said, ['first', 'second']);
    assert.equal(
      String(await store.read(layout.volumeSessionLog('20261121t201500z'))),
      '2026-11-21T20:16:00Z first\n2026-11-21T20:16:00Z second\n',
    );
  });
});
