import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Schedule, openSchedule } from '../../src/schedule/schedule.ts';
import { SimulatedLeader } from './simulated-leader.ts';

const minute = 60_000;
const hour = 60 * minute;

const schedules = [
  { pattern: '0 2 * * *', timezone: 'UTC', exclude: '' },
  { pattern: '30 2 * * *', timezone: 'Europe/Berlin', exclude: '' },
  { pattern: '@hourly', timezone: 'America/New_York', exclude: '' },
  { pattern: '15 */6 * * *', timezone: 'Europe/Berlin', exclude: 'Mon-Fri 06:00-19:00' },
  { pattern: '0 1 * * 1-5', timezone: 'UTC', exclude: '02:00-03:00' },
  { pattern: '@daily-random', timezone: 'Asia/Kolkata', exclude: 'Sun' },
] as const;

/** Days before clocks are changed in Berlin and New York, and an ordinary one. */
const starts = ['2026-10-23', '2026-10-30', '2027-03-12', '2027-03-26', '2026-07-01'] as const;

const hooks = fc.array(
  fc.record({
    /**
     * Minutes until the next hook that the timer does not cause: update-status, or what comes after
     * the pod was away.
     */
    gap: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 12 }) },
      { weight: 3, arbitrary: fc.integer({ min: 30, max: 400 }) },
      { weight: 1, arbitrary: fc.integer({ min: 1000, max: 5000 }) },
    ),
    timer: fc.constantFrom('works', 'works', 'early', 'lost', 'twice'),
    crash: fc.boolean(),
    reachable: fc.constantFrom(true, true, true, false),
    busy: fc.constantFrom(false, false, true),
    outcome: fc.constantFrom(
      ...([
        'succeeded',
        'succeeded',
        'passing',
        'busy',
        'occupied',
        'lasting',
        'cancelled',
        'vanished',
      ] as const),
      'stuck' as const,
    ),
    minutes: fc.oneof(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 0, max: 2000 })),
  }),
  { minLength: 5, maxLength: 120 },
);

const rules = fc.record({
  startDeadline: fc.constantFrom(hour, 6 * hour, 30 * hour),
  runDeadline: fc.constantFrom(2 * hour, 12 * hour),
  hasDeadline: fc.boolean(),
  whenBusy: fc.constantFrom('wait', 'skip', 'run'),
  retries: fc.integer({ min: 0, max: 3 }),
});

/** The same times are asked for over and over. */
const remembering = ({ next, exclusions }: Schedule): Schedule => {
  const known = new Map<number, Date | undefined>();
  return {
    exclusions,
    next: (after) => {
      const time = after.getTime();
      if (!known.has(time)) known.set(time, next(after));
      return known.get(time);
    },
  };
};

describe('decide, whatever hooks come', () => {
  for (const mayCrash of [false, true])
    it(`gives each slot one run at most and accounts for it once${mayCrash ? ', although hooks crash' : ''}`, () => {
      fc.assert(
        fc.property(
          fc.constantFrom(...schedules),
          fc.constantFrom(...starts),
          rules,
          hooks,
          (options, day, chosen, events) => {
            const start = new Date(`${day}T11:17:00Z`);
            const schedule = remembering(
              openSchedule({ ...options, modelUuid: 'm', application: 'a' }, start),
            );
            const leader = new SimulatedLeader(schedule, chosen, start);
            let now = start;
            let timer: Date | undefined;
            const hook = (time: Date, event: (typeof events)[number]): void => {
              now = time;
              const crash = event.crash && mayCrash;
              // When Juju forgets both the hook and its task, nobody knows of the run any more.
              const forgotten = mayCrash && event.outcome === 'vanished';
              const run = forgotten ? ({ ...event, outcome: 'lasting' } as const) : event;
              const set = leader.hook(now, { ...event, crash }, run);
              // Juju rings again after five minutes when a hook that rang was lost.
              timer = crash ? new Date(now.getTime() + 5 * minute) : set;
            };
            for (const event of events) {
              const other = new Date(now.getTime() + event.gap * minute);
              for (let rings = 0; timer !== undefined && timer < other && rings < 20; rings++) {
                if (event.timer === 'lost') break;
                const ring = event.timer === 'early' ? timer.getTime() - 59_000 : timer.getTime();
                const time = new Date(Math.max(now.getTime(), ring));
                hook(time, event);
                if (event.timer === 'twice') hook(time, event);
              }
              if (other >= now) hook(other, event);
            }
            const good = { crash: false, reachable: true, busy: false };
            const short = { outcome: 'succeeded', minutes: 1 } as const;
            for (const hours of [48, 49, 98, 99])
              leader.hook(new Date(now.getTime() + hours * hour), good, short);
            now = new Date(now.getTime() + 99 * hour);
            const { accounted } = leader.standing;
            for (
              let slot = schedule.next(start);
              slot !== undefined && slot <= accounted;
              slot = schedule.next(slot)
            )
              assert.ok(leader.recorded.has(slot.getTime()), `${slot.toISOString()} has no record`);
            // Of one that outlives any deadline the next run takes the place.
            const untold = leader
              .untold(now)
              .filter(
                ({ began, ended = now }) =>
                  chosen.hasDeadline || ended.getTime() - began.getTime() < chosen.runDeadline,
              );
            assert.deepEqual(untold, [], 'nobody told how these runs ended');
            for (const [slot, runs] of leader.runsOfSlots(now))
              assert.ok(
                runs <= 1 + chosen.retries,
                `${new Date(slot).toISOString()}: ${runs} runs`,
              );
          },
        ),
        { numRuns: 300 },
      );
    });
});
