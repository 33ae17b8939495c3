import { secondText } from '../text.ts';
import { type Layout, layoutOf } from '../repository/layout.ts';
import { early } from '../schedule/decision.ts';
import type { Unused } from '../schedule/passed-slots.ts';
import type { ObjectStore, World } from '../world.ts';
import { sessionIdAt } from './names.ts';
import { type SessionRecord, sessions, writeSession } from './session-record.ts';

/** Times of volumes-schedule that got no run, or whose run may have left no session. */
export type Unrecorded = Omit<Unused, 'phase'> & { readonly phase: Unused['phase'] | 'Failed' };

/**
 * Writes a session without volumes for each of these, so that they can be found where the sessions
 * of the runs are.
 */
export const recordUnused = async (
  world: Pick<World, 'openTarget' | 'clock'>,
  unused: readonly Unrecorded[],
): Promise<void> => {
  const target = await world.openTarget();
  await using _store = target.store;
  const layout = layoutOf(target.prefix);
  for (const slots of unused) await writeUnused(target.store, layout, slots, world.clock.now());
};

/**
 * A session that ran is never replaced: neither one that began in that very second, nor that of the
 * run that this is about.
 */
export const writeUnused = async (
  store: ObjectStore,
  layout: Layout,
  { phase, first, last, count, reason }: Unrecorded,
  now: Date,
): Promise<void> => {
  const id = sessionIdAt(first);
  if (await store.head(layout.volumeSession(id))) return;
  if (phase === 'Failed' && (await hasRun(store, layout, first))) return;
  const record: SessionRecord = {
    ...{ id, kind: 'backup', phase, reason, volumes: [] },
    ...{ started: secondText(first), finished: secondText(now), slot: secondText(first) },
    slots: { count, last: secondText(last) },
  };
  await writeSession(store, layout, record);
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
