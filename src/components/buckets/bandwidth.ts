import type { BandwidthPeriod } from '../../config/bandwidth-limit.ts';
import type { Clock } from '../../world.ts';

/** Limits the bytes that all transfers together may move. */
export interface Bandwidth {
  /** The limit by the time of the week. */
  readonly timetable: readonly BandwidthPeriod[];
  /** Whether there is a limit at any time of the week. */
  readonly limited: boolean;
  /**
   * The most bytes to ask for at once, so that the rate stays even. Infinity while there is no
   * limit.
   */
  grain(): number;
  /**
   * Resolves when so many bytes of payload may move; in the order of the calls. Rejects with the
   * signal's reason when it fires.
   */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
  /** From now on so many processes have equal shares of the limit, this one among them. */
  shareAmong(processes: number): void;
}

/**
 * Milliseconds that may be caught up when transfers start late: enough for late timers, too little
 * for a burst.
 */
const slack = 100;
/** Milliseconds' worth of bytes to ask for at once. */
const share = 50;

/**
 * One token bucket for all transfers, with the timetable of the option `bandwidth-limit` (minutes
 * of the week in UTC; the last period of a week goes on until the first one of the next). Over any
 * 10 s the bytes granted are within 3 % of the limit while there is enough to do, and there is
 * never more than 0.15 s worth at once.
 */
export const createBandwidth = (periods: readonly BandwidthPeriod[], clock: Clock): Bandwidth => {
  const timetable = [...periods].sort((a, b) => a.minute - b.minute);
  // The moment, in ms, until which the bytes that were granted use up the limit.
  let booked = -Infinity;
  let sharers = 1;
  return {
    timetable,
    limited: timetable.some(({ bytesPerSecond }) => bytesPerSecond !== undefined),
    grain: () => {
      const rate = at(timetable, clock.now().getTime()).rate;
      if (rate === undefined) return Infinity;
      return Math.max(256, Math.floor((rate * share) / 1000 / sharers));
    },
    take: async (bytes, signal) => {
      signal?.throwIfAborted();
      const now = clock.now().getTime();
      booked = book(timetable, Math.max(booked, now - slack), bytes * sharers);
      const wait = booked - now;
      if (wait > 0) await clock.sleep(wait, signal);
    },
    shareAmong: (processes) => {
      sharers = Math.max(1, processes);
    },
  };
};

/** The moment at which `bytes` are through, when they start at `moment`. */
const book = (timetable: readonly BandwidthPeriod[], moment: number, bytes: number): number => {
  for (;;) {
    const { rate, until } = at(timetable, moment);
    if (rate === undefined) return moment;
    const end = moment + (bytes / rate) * 1000;
    if (end <= until) return end;
    bytes -= ((until - moment) / 1000) * rate;
    moment = until;
  }
};

const minute = 60_000;
const week = 7 * 24 * 60 * minute;
/** 1970-01-01 was a Thursday; the timetable's weeks start on Sunday. */
const firstSunday = 3 * 24 * 60 * minute;

/** The rate at a moment, and when the next period begins. */
const at = (
  timetable: readonly BandwidthPeriod[],
  moment: number,
): { readonly rate: number | undefined; readonly until: number } => {
  const inWeek = (((moment - firstSunday) % week) + week) % week;
  const next = timetable.find((period) => period.minute * minute > inWeek) ?? timetable[0];
  const current =
    timetable.findLast((period) => period.minute * minute <= inWeek) ?? timetable.at(-1);
  if (!next || timetable.length === 1) return { rate: current?.bytesPerSecond, until: Infinity };
  const ahead = (next.minute * minute - inWeek + week) % week || week;
  return { rate: current?.bytesPerSecond, until: moment + ahead };
};
