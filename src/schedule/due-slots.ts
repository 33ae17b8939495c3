import type { Standing } from './decision.ts';
import type { Schedule } from './schedule.ts';

const hour = 3_600_000;
const farAhead = 25 * hour;
const farBehind = 400 * 24 * hour;

/**
 * A clock may have been wrong by years. Backups must not stop for years then, and years of slots
 * must not count as missed.
 */
export const plausible = (standing: Standing, now: Date): Standing => {
  const age = now.getTime() - standing.accounted.getTime();
  return -age > farAhead || age > farBehind ? { ...standing, accounted: now } : standing;
};

/** Later than the first time, up to the second. */
export const slotsBetween = (
  schedule: Pick<Schedule, 'next'>,
  after: Date,
  upTo: Date,
): readonly Date[] => {
  const slots: Date[] = [];
  let slot = schedule.next(after);
  while (slot !== undefined && slot <= upTo) {
    slots.push(slot);
    slot = schedule.next(slot);
  }
  return slots;
};
