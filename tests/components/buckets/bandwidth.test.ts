import assert from 'node:assert/strict';
import { createBandwidth, type Bandwidth } from '../../../src/components/buckets/bandwidth.ts';
import type { Clock } from '../../../src/world.ts';

/** A clock whose time passes only when everybody sleeps. */
const simulatedClock = (start: Date): Clock & { run(until: number): Promise<void> } => {
  let now = start.getTime();
  let sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  return {
    now: () => new Date(now),
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        sleepers.push({ at: now + milliseconds, wake: resolve });
        signal?.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      }),
    run: async (until) => {
      for (;;) {
        await new Promise(setImmediate);
        sleepers.sort((a, b) => a.at - b.at);
        const [next] = sleepers;
        if (!next || next.at > until) return;
        sleepers = sleepers.slice(1);
        now = Math.max(now, next.at);
        next.wake();
      }
    },
  };
};

const sunday = new Date('2026-11-22T00:00:00Z');
const at = (seconds: number): number => sunday.getTime() + seconds * 1000;

/** Takes as much as it is given with so many transfers at once; says when how much was granted. */
const greedy = async (
  bandwidth: Bandwidth,
  clock: ReturnType<typeof simulatedClock>,
  seconds: number,
): Promise<(from: number, to: number) => number> => {
  const grants: { readonly at: number; readonly bytes: number }[] = [];
  const stop = new AbortController();
  const transfer = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const bytes = Math.min(65_536, bandwidth.grain());
      await bandwidth.take(bytes, stop.signal);
      grants.push({ at: clock.now().getTime(), bytes });
    }
  };
  const transfers = Array.from({ length: 16 }, () => transfer().catch(() => undefined));
  await clock.run(at(seconds));
  stop.abort();
  await Promise.all(transfers);
  return (from, to) =>
    grants
      .filter((grant) => grant.at >= at(from) && grant.at < at(to))
      .reduce((sum, { bytes }) => sum + bytes, 0);
};

const assertWithin = (value: number, expected: number, share: number): void => {
  assert.ok(
    Math.abs(value - expected) <= expected * share,
    `${value} is not within ${share * 100} % of ${expected}`,
  );
};

describe('the bandwidth', () => {
  for (const rate of [20 * 2 ** 20, 512 * 1024, 3000])
    it(`holds ${rate} bytes a second within 3 % over any 10 s, over all transfers together`, async () => {
      const clock = simulatedClock(sunday);
      const bandwidth = createBandwidth([{ minute: 0, bytesPerSecond: rate }], clock);
      const granted = await greedy(bandwidth, clock, 21);
      for (const from of [0, 0.3, 1, 2.7, 5, 9.99, 10.5])
        assertWithin(granted(from, from + 10), rate * 10, 0.03);
    });

  it('is shared among so many processes as work now', async () => {
    const rate = 4 * 2 ** 20;
    const clock = simulatedClock(sunday);
    const bandwidth = createBandwidth([{ minute: 0, bytesPerSecond: rate }], clock);
    for (const [second, processes] of [
      [0, 4],
      [20, 2],
      [40, 1],
    ] as const) {
      bandwidth.shareAmong(processes);
      const granted = await greedy(bandwidth, clock, second + 15);
      assertWithin(granted(second + 1, second + 11), (rate / processes) * 10, 0.03);
      await clock.run(at(second + 20));
    }
  });

  it('never lets more than a fraction of a second through at once, not even after a pause', async () => {
    const rate = 2 ** 20;
    const clock = simulatedClock(sunday);
    const bandwidth = createBandwidth([{ minute: 0, bytesPerSecond: rate }], clock);
    const atStart = await greedy(bandwidth, clock, 1);
    assert.ok(atStart(0, 0.1) < rate * 0.3, String(atStart(0, 0.1)));
    const pause = clock.sleep(60_000);
    await clock.run(at(61));
    await pause;
    const later = await greedy(bandwidth, clock, 63);
    assert.ok(later(60.9, 61.2) < rate * 0.5, String(later(60.9, 61.2)));
  });

  it('follows the timetable to the second', async () => {
    const clock = simulatedClock(sunday);
    const bandwidth = createBandwidth(
      [
        { minute: 0, bytesPerSecond: 100_000 },
        { minute: 1, bytesPerSecond: 1_000_000 },
        { minute: 2, bytesPerSecond: 100_000 },
      ],
      clock,
    );
    const granted = await greedy(bandwidth, clock, 180);
    assertWithin(granted(0, 60), 6_000_000, 0.02);
    assertWithin(granted(60, 120), 60_000_000, 0.02);
    assertWithin(granted(120, 180), 6_000_000, 0.02);
  });

  it('goes on after the end of the week with the last period, until the first begins', async () => {
    const clock = simulatedClock(sunday);
    const bandwidth = createBandwidth(
      [
        { minute: 1, bytesPerSecond: undefined },
        { minute: 6 * 24 * 60, bytesPerSecond: 1000 },
      ],
      clock,
    );
    assert.equal(bandwidth.grain(), 256);
    const pause = clock.sleep(60_000);
    await clock.run(at(60));
    await pause;
    assert.equal(bandwidth.grain(), Infinity);
  });

  it('waits for nothing without a limit', async () => {
    const bandwidth = createBandwidth([], simulatedClock(sunday));
    assert.equal(bandwidth.grain(), Infinity);
    await bandwidth.take(2 ** 40);
  });

  it('gives way to a signal while it waits', async () => {
    const clock = simulatedClock(sunday);
    const bandwidth = createBandwidth([{ minute: 0, bytesPerSecond: 1 }], clock);
    const stop = new AbortController();
    const waiting = bandwidth.take(1000, stop.signal);
    stop.abort(new Error('stop it'));
    await assert.rejects(waiting, /stop it/);
  });
});
