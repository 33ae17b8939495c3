import { secondText } from '../../text.ts';
import { type Layout, layoutOf } from '../../repository/layout.ts';
import { early } from '../../schedule/decision.ts';
import type { Unused } from '../../schedule/passed-slots.ts';
import type { ObjectStore, World } from '../../world.ts';
import { sessionIdAt } from './names.ts';
import { type SessionRecord, sessions, writeSession } from './session-record.ts';

/** Times of volumes-schedule that got no run, or whose run may have left no session. */
export type Unrecorded = Omit<Unused, 'phase'> & { readonly phase: Unused['phase'] | 'Failed' };

/**
 * Writes a session without volumes for each of these, so that they can be found where the sessions
 * of the runs are. Resolves with those that had none.
 */
export const recordUnused = async (
  world: Pick<World, 'openTarget' | 'clock'>,
  unused: readonly Unrecorded[],
): Promise<readonly Unrecorded[]> => {
  const target = await world.openTarget();
  await using _store = target.store;
  const layout = layoutOf(target.prefix);
  const written: Unrecorded[] = [];
  for (const slots of unused)
    if (await writeUnused(target.store, layout, slots, world.clock.now())) written.push(slots);
  return written;
};

/**
 * A session that ran is never replaced: neither one that began in that very second, nor that of the
 * run that this is about. Resolves with whether it was written.
 */
export const writeUnused = async (
  store: ObjectStore,
  layout: Layout,
  { phase, first, last, count, reason }: Unrecorded,
  now: Date,
): Promise<boolean> => {
  const id = sessionIdAt(first);
  if (await store.head(layout.volumeSession(id))) return false;
  if (phase === 'Failed' && (await hasRun(store, layout, first))) return false;
  const record: SessionRecord = {
    ...{ id, kind: 'backup', phase, reason, volumes: [] },
    ...{ started: secondText(first), finished: secondText(now), slot: secondText(first) },
    slots: { count, last: secondText(last) },
  };
  await writeSession(store, layout, record);
  return true;
};

/** Whether a run for this time has left a session. */
const hasRun = async (store: ObjectStore, layout: Layout, slot: Date): Promise<boolean> => {
  const [text, earliest] = [secondText(slot), sessionIdAt(new Date(slot.getTime() - early))];
  for await (const session of sessions(store, layout)) {
    if (session.id < earliest) return false;
    if (session.slot === text) return true;
  }
  return false;
};
