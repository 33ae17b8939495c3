import { followVirtualClock } from './virtual-clock.ts';

/* Loaded into the charm's processes with NODE_OPTIONS; see virtual-clock.ts. */
followVirtualClock(process.env.VIRTUAL_CLOCK);
