import { existsSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

/*
 * Loaded into the charm's processes with NODE_OPTIONS, so that a deadline of hours comes when a test wants it: a sleep of an hour
 * or more ends as soon as the file is there that LONG_SLEEPS_END names. All others are left alone.
 */

const hour = 3_600_000;
const sleep = timers.setTimeout;

const untilThere = async (file, options) => {
  while (!existsSync(file)) await sleep(100, undefined, options);
};

timers.setTimeout = (milliseconds = 0, value, options) =>
  milliseconds < hour
    ? sleep(milliseconds, value, options)
    : untilThere(process.env.LONG_SLEEPS_END, options);
syncBuiltinESMExports();
