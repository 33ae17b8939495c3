import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

/*
 * Loaded into the charm's process with NODE_OPTIONS, so that hundreds of backups take minutes: where the charm sleeps it sleeps a
 * twentieth as long. What the time is, and how long sockets and servers are given, stays as it is.
 */

const sleep = timers.setTimeout;

timers.setTimeout = (milliseconds = 0, value, options) => sleep(milliseconds / 20, value, options);
syncBuiltinESMExports();
