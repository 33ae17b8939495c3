import { getBuiltinModule } from 'node:process';
import { Cron } from 'croner';
import { CharmError, reasonOf } from '../errors.ts';
import { type Exclusions, parseExclusions } from './exclusions.ts';

/*
 * This folder decides when backups start by themselves: the slots of a cron expression, the
 * excluded times, and what becomes of each slot. It is pure; hooks/schedule.ts remembers and acts.
 */

/** The slots of a schedule: the instants at which a backup is due. */
export interface Schedule {
  /** The first slot that is strictly later; undefined when there is none any more. */
  readonly next: (after: Date) => Date | undefined;
  readonly exclusions: Exclusions;
}

export interface ScheduleOptions {
  /** The option that has the pattern, for messages. */
  readonly option?: 'schedule' | 'volumes-schedule';
  /** Five cron fields, a name such as `@daily`, or `@daily-random`. */
  readonly pattern: string;
  /** IANA name. */
  readonly timezone: string;
  readonly exclude: string;
  /** What the minute of `@daily-random` is made from, so that it stays the same for ever. */
  readonly modelUuid: string;
  /** For the commands in messages. */
  readonly application: string;
}

const names = /^@(hourly|daily|midnight|weekly|monthly|yearly|annually)$/;
const hour = 3_600_000;
/** A schedule whose slots are all excluded is given up after so many of them. */
const mostExcluded = 1000;

/**
 * Reads the options of the schedule. Rejects with `option-invalid`: the option, what is wrong with
 * it, and the command. The syntax is that of Vixie cron; how it treats the days on which the clock
 * is changed is croner's, from version 11 on: a fixed time that does not exist that day comes at
 * the first valid instant, one that exists twice comes once, and jobs of every hour miss none.
 */
export const openSchedule = (options: ScheduleOptions, now: Date): Schedule => {
  const { timezone } = options;
  if (!isTimezone(timezone))
    throw wrong(
      options,
      'schedule-timezone',
      timezone,
      'must be an IANA name, such as Europe/Berlin',
    );
  const exclusions = parseExclusions(options.exclude, timezone);
  if (exclusions === undefined)
    throw wrong(
      options,
      'schedule-exclude',
      options.exclude,
      'must be windows such as "Mon-Fri 08:00-18:00, Sat, 23:00-01:00", which leave some time free',
    );
  const cron = openCron(options);
  const next = (after: Date): Date | undefined => {
    let from = after;
    for (let tries = 0; tries < mostExcluded; tries++) {
      const slot = cron.nextRun(from) ?? undefined;
      if (slot === undefined) return undefined;
      const excluded = exclusions.remaining(slot);
      if (excluded === 0) return slot;
      // An hour less than until the window ends, because the clocks may be changed within it.
      from = new Date(slot.getTime() + Math.max(0, excluded - hour - 1));
    }
    return undefined;
  };
  const first = next(now);
  if (first === undefined)
    throw wrong(
      options,
      nameOf(options),
      options.pattern,
      'never comes, or only in excluded times',
    );
  if (shortestInterval(next, first) < hour)
    throw wrong(
      options,
      nameOf(options),
      options.pattern,
      'must leave an hour between two backups',
    );
  return { next, exclusions };
};

/**
 * The longest time between two of the next 60 slots, in seconds: an alert must not ring before
 * that. 0 when there are no two.
 */
export const longestInterval = (schedule: Pick<Schedule, 'next'>, from: Date): number => {
  let longest = 0;
  let last = schedule.next(from);
  for (let count = 0; count < 60 && last !== undefined; count++) {
    const next = schedule.next(last);
    if (next !== undefined) longest = Math.max(longest, next.getTime() - last.getTime());
    last = next;
  }
  return longest / 1000;
};

/** Of the next few slots, in milliseconds. */
const shortestInterval = (next: Schedule['next'], first: Date): number => {
  let shortest = Infinity;
  let last: Date | undefined = first;
  for (let count = 0; count < 6 && last !== undefined; count++) {
    const following = next(last);
    if (following !== undefined)
      shortest = Math.min(shortest, following.getTime() - last.getTime());
    last = following;
  }
  return shortest;
};

const openCron = (options: ScheduleOptions): Cron => {
  const { pattern: given, timezone, modelUuid } = options;
  const pattern =
    given.trim() === '@daily-random' ? `${randomMinute(modelUuid)} * * *` : given.trim();
  // croner takes ISO dates and question marks too, which cron does not.
  if (!names.test(pattern) && (pattern.split(/\s+/).length !== 5 || pattern.includes('?')))
    throw wrong(
      options,
      nameOf(options),
      given,
      'must be five cron fields such as "0 2 * * *", @hourly, @daily, @weekly, @monthly, @yearly or @daily-random',
    );
  try {
    // With an offset croner asks for no time zones, which takes a hook several milliseconds.
    const place = timezone === 'UTC' ? { utcOffset: 0 } : { timezone };
    return new Cron(pattern, { paused: true, ...place, mode: '5-part' });
  } catch (error) {
    // croner's messages begin with the name of a class of its own, which is left out.
    const reason = reasonOf(error).replace(/^Cron\w*: /, '');
    throw wrong(options, nameOf(options), given, {
      long: `cannot be read: ${reason}`,
      short: reason,
    });
  }
};

/** Minute and hour, spread over the day by the model. */
const randomMinute = (modelUuid: string): string => {
  // It is large, and only this pattern needs it.
  const { createHash } = getBuiltinModule('node:crypto');
  const minute = createHash('sha256').update(modelUuid).digest().readUInt32BE() % (24 * 60);
  return `${minute % 60} ${Math.floor(minute / 60)}`;
};

const isTimezone = (name: string): boolean => {
  if (name === 'UTC') return true;
  try {
    // Offsets such as +02:00 are taken too, and have no daylight saving; a name says what is meant.
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    return !/^[+-]/.test(timeZone);
  } catch {
    return false;
  }
};

const nameOf = ({ option = 'schedule' }: ScheduleOptions): string => option;

const wrong = (
  { application }: ScheduleOptions,
  option: string,
  value: string,
  reason: string | { readonly long: string; readonly short: string },
): CharmError => {
  const { long, short } = typeof reason === 'string' ? { long: reason, short: reason } : reason;
  return new CharmError(
    'option-invalid',
    `The option ${option} is ${JSON.stringify(value)}, but it ${long}. Run: juju config ${application} ${option}=<value>`,
    {
      brief: {
        // With a long name there is no room for more in a status.
        what: option.startsWith('volumes') ? `${option}: ${short}` : `Option ${option} ${long}`,
        run: `juju config ${application} ${option}=<value>`,
      },
    },
  );
};
