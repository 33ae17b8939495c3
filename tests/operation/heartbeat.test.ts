import assert from 'node:assert/strict';
import { startHeartbeat } from '../../src/operation/heartbeat.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeProgress } from '../fakes/progress.ts';

const minute = 60_000;

describe('heartbeat', () => {
  it('says at least every 30 s what the steps under way are doing', async () => {
    const clock = new FakeClock();
    const progress = new FakeProgress();
    await using heartbeat = startHeartbeat({ clock, progress });
    await Promise.all([
      heartbeat.during(
        () => 'copying',
        () => clock.sleep(10 * minute),
      ),
      heartbeat.during(
        () => 'dumping',
        () => clock.sleep(5 * minute),
      ),
    ]);
    assert.ok(progress.notes.length >= 19, String(progress.notes.length));
    assert.equal(progress.notes[0], 'copying; dumping');
    assert.equal(progress.notes.at(-1), 'copying');
  });

  it('is silent between the steps', async () => {
    const clock = new FakeClock();
    const progress = new FakeProgress();
    await using _heartbeat = startHeartbeat({ clock, progress });
    await clock.sleep(10 * minute);
    assert.deepEqual(progress.notes, []);
  });

  it('stays below the thousand lines that Juju keeps, also in a whole day', async () => {
    const clock = new FakeClock();
    const progress = new FakeProgress();
    await using heartbeat = startHeartbeat({ clock, progress });
    await heartbeat.during(
      () => 'copying',
      () => clock.sleep(24 * 60 * minute),
    );
    assert.ok(progress.notes.length < 800, String(progress.notes.length));
  });

  it('neither ends nor fails a step whose news cannot be delivered', async () => {
    const clock = new FakeClock();
    const progress = new FakeProgress();
    progress.failure = new Error('the agent is away');
    await using heartbeat = startHeartbeat({ clock, progress });
    const answer = await heartbeat.during(
      () => 'copying',
      async () => {
        await clock.sleep(2 * minute);
        return 42;
      },
    );
    assert.equal(answer, 42);
  });
});
