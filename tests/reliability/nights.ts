import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import { openSchedule } from '../../src/schedule/schedule.ts';
import type { Session } from '../../src/sessions/session.ts';
import { type RunEnd, scheduledUnits } from '../rigs/scheduled-units.ts';
import { randomFrom } from './plan.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const pattern = '0 2 * * *';
const retries = 2;

interface Running {
  readonly unit: 0 | 1;
  readonly until: number;
  readonly end: (end: RunEnd) => Promise<void>;
  readonly as: RunEnd;
}

/**
 * Plays a nightly schedule for so many days, with the weather of the seed: kills, timers that are
 * lost, early or twice, crashes of hooks, busy mornings, S3 and the controller away for hours and
 * the controller once for two days, runs that take longer than a day, and leaders that change.
 * `update-status` comes every hour, the longest that Juju allows. Rejects when a slot is not
 * accounted for exactly once in what list-sessions shows. Resolves to how many there were of what.
 */
export const playNights = async ({
  days,
  seed,
}: {
  readonly days: number;
  readonly seed: number;
}): Promise<ReadonlyMap<string, number>> => {
  const random = randomFrom(seed);
  const chance = (share: number): boolean => random() < share;
  const start = Date.parse('2026-01-01T12:00:00Z');
  const end = start + days * day;
  const rig = scheduledUnits({ 'schedule-retries': retries }, new Date(start).toISOString());
  const counts = new Map<string, number>();
  const count = (what: string, times = 1): void => {
    counts.set(what, (counts.get(what) ?? 0) + times);
  };
  const sessions = new Map<string, Session>();
  let [leader, running] = [0 as 0 | 1, [] as readonly Running[]];
  let weather = calm;
  const middle = start + Math.floor(days / 2) * day;
  const longAway: Period = [middle, middle + 2 * day];
  let rang = 0;

  /** The one that does not lead has hooks too, in which it sends what it still has. */
  const hookOfOther = async (): Promise<void> => {
    const other = leader === 0 ? 1 : 0;
    if (!running.some(({ unit }) => unit === other)) await rig.units[other].hook('update-status');
  };
  const look = async (): Promise<void> => {
    rig.s3 = undefined;
    for (const session of await rig.units[leader].sessions()) sessions.set(session.id, session);
  };
  const endRuns = async (upTo: number): Promise<void> => {
    for (const run of running.filter(({ until }) => until <= upTo)) {
      rig.at = new Date(Math.max(rig.at.getTime(), run.until));
      await run.end(run.as);
      running = running.filter((other) => other !== run);
    }
  };
  const beginRuns = async (): Promise<void> => {
    for (const task of rig.tasks.filter(({ status }) => status === 'pending')) {
      const unit = task.unit.endsWith('0') ? 0 : 1;
      count('runs');
      const { as, milliseconds } = isCalm() ? calmRun : anyRun(random);
      const finish = await rig.units[unit].begin(task);
      running = [...running, { unit, as, until: rig.at.getTime() + milliseconds, end: finish }];
    }
  };
  const isCalm = (): boolean => rig.at.getTime() > end;
  const hook = async (name: string): Promise<void> => {
    // A unit does one thing at a time.
    const busyUntil = running.find(({ unit }) => unit === leader)?.until;
    if (busyUntil !== undefined) await endRuns(busyUntil);
    rig.juju = within(rig.at, weather.jujuAway)
      ? new CharmError('juju-unreachable', 'Away.')
      : undefined;
    rig.s3 = within(rig.at, weather.s3Away)
      ? new CharmError('store-unreachable', 'Away.')
      : undefined;
    rig.busy = within(rig.at, weather.busy);
    const crash = !isCalm() && chance(0.03);
    count(crash ? 'hooks that crashed' : 'hooks');
    await rig.units[leader].hook(name, { crash });
    await beginRuns();
  };

  await hook('config-changed');
  for (let today = start; today < end + 2 * day; today += day) {
    weather = today < end ? anyWeather(random, today) : calm;
    if (today >= longAway[0] && today < longAway[1]) weather = { ...weather, jujuAway: longAway };
    const away = weather.noHooks;
    if (today < end && chance(0.05)) {
      rig.units[leader].tools.leader = false;
      leader = leader === 0 ? 1 : 0;
      rig.units[leader].tools.leader = true;
      count('leaders that changed');
      await hook('leader-elected');
    }
    for (let time = today; ;) {
      // While an action ran no hook came.
      time = Math.max(time, rig.at.getTime());
      const updateStatus = Math.floor(time / hour + 1) * hour + 17 * minute;
      const alarm = (rig.alarm?.getTime() ?? Infinity) - (weather.timerEarly ? 59_000 : 0);
      // Juju rings again after five minutes for an alarm that was not moved on.
      const ring = Math.max(alarm, rang + 5 * minute);
      const rings = !weather.timerLost && ring <= updateStatus;
      time = Math.max(rings ? ring : updateStatus, time);
      if (within(new Date(time), away)) [, time] = away;
      if (time >= today + day) break;
      await endRuns(time);
      rig.at = new Date(Math.max(time, rig.at.getTime()));
      await hook(rings ? 'secret-expired' : 'update-status');
      if (rings) rang = time;
      if (rings && weather.timerTwice) await hook('secret-expired');
    }
    await hookOfOther();
    if (((today - start) / day) % 50 === 49) await look();
  }
  await look();

  const slots = slotsBetween(start, end);
  const told = [...sessions.values()].filter(({ trigger }) => trigger === 'schedule');
  for (const slot of slots) {
    const covering = told.filter((session) => covers(session, slot));
    assert.equal(covering.length, 1, `${slot} has ${covering.length} sessions`);
    const [session] = covering;
    assert.notEqual(session?.phase, 'Running', `${slot} says that it runs`);
    count(`slots ${session?.phase ?? ''}`);
  }
  count('slots', slots.length);
  for (const slot of slots) {
    const runs = rig.tasks.filter(
      ({ parameters, results }) =>
        parameters['slot'] === slot &&
        !['workloads-running', 'backup-running'].includes(String(results['error-code'])),
    );
    assert.ok(runs.length <= 1 + retries, `${slot} got ${runs.length} runs`);
  }
  return counts;
};

/** From, and up to without this. */
type Period = readonly [number, number];

interface Weather {
  readonly timerLost: boolean;
  readonly timerEarly: boolean;
  readonly timerTwice: boolean;
  readonly busy: Period;
  readonly jujuAway: Period;
  readonly s3Away: Period;
  readonly noHooks: Period;
}

const never: Period = [0, 0];

const calm: Weather = {
  ...{ timerLost: false, timerEarly: false, timerTwice: false },
  ...{ busy: never, jujuAway: never, s3Away: never, noHooks: never },
};

/** Of the 24 hours that begin at noon. */
const anyWeather = (random: () => number, today: number): Weather => {
  const period = (share: number, most: number): Period => {
    if (random() >= share) return never;
    const from = today + random() * 16 * hour;
    return [from, from + random() * most];
  };
  return {
    timerLost: random() < 0.2,
    timerEarly: random() < 0.3,
    timerTwice: random() < 0.1,
    busy: period(0.3, 12 * hour),
    jujuAway: period(0.1, 10 * hour),
    s3Away: period(0.2, 10 * hour),
    noHooks: period(0.1, 12 * hour),
  };
};

const calmRun = { as: 'succeeded', milliseconds: 30 * minute } as const;

const anyRun = (random: () => number): { readonly as: RunEnd; readonly milliseconds: number } => {
  const dice = random();
  const milliseconds = random() * 90 * minute;
  if (dice < 0.7) return { as: 'succeeded', milliseconds };
  if (dice < 0.73) return { as: 'succeeded', milliseconds: 26 * hour };
  if (dice < 0.8) return { as: new CharmError('store-unreachable', 'S3 is away.'), milliseconds };
  if (dice < 0.84) return { as: new CharmError('store-denied', 'No.'), milliseconds };
  if (dice < 0.87) return { as: new CharmError('backup-running', 'Another.'), milliseconds: 1000 };
  if (dice < 0.93) return { as: 'killed', milliseconds };
  return { as: dice < 0.97 ? 'cancelled' : 'forgotten', milliseconds };
};

const within = (time: Date, [from, until]: Period): boolean =>
  time.getTime() >= from && time.getTime() < until;

const slotsBetween = (start: number, end: number): readonly string[] => {
  const { next } = openSchedule(
    { pattern, timezone: 'UTC', exclude: '', modelUuid: '', application: '' },
    new Date(start),
  );
  const slots: string[] = [];
  for (let slot = next(new Date(start)); slot !== undefined && slot.getTime() < end;)
    [slots[slots.length], slot] = [`${slot.toISOString().slice(0, 19)}Z`, next(slot)];
  return slots;
};

const covers = ({ id, slots }: Session, slot: string): boolean =>
  slots === undefined ? id === slot : id <= slot && slot <= slots.last;
