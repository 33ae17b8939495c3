import { hurryClock } from './virtual-clock.ts';

/*
 * Loaded into the charm's processes with NODE_OPTIONS, so that its waits of minutes take seconds.
 * How long sockets and servers are given stays as it is.
 */
hurryClock(Number(process.env.CLOCK_TIMES));
