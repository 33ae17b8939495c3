import { secondText } from '../text.ts';
import { type Layout, layoutOf } from '../repository/layout.ts';
import type { Unused } from '../schedule/unused.ts';
import type { ObjectStore, World } from '../world.ts';
import { sessionIdAt } from './names.ts';
import { type SessionRecord, writeSession } from './session-record.ts';

/**
 * Writes a session without volumes for each of the times of volumes-schedule that got no run, so
 * that they can be found where the runs are.
 */
export const recordUnused = async (
  world: Pick<World, 'openTarget' | 'clock'>,
  unused: readonly Unused[],
): Promise<void> => {
  const target = await world.openTarget();
  await using _store = target.store;
  const layout = layoutOf(target.prefix);
  for (const slots of unused) await writeUnused(target.store, layout, slots, world.clock.now());
};

/** A session that ran is never replaced, should one have begun in that very second. */
export const writeUnused = async (
  store: ObjectStore,
  layout: Layout,
  { phase, first, last, count, reason }: Unused,
  now: Date,
): Promise<void> => {
  const id = sessionIdAt(first);
  if (await store.head(layout.volumeSession(id))) return;
  const record: SessionRecord = {
    ...{ id, kind: 'backup', phase, reason, volumes: [] },
    ...{ started: secondText(first), finished: secondText(now), slot: secondText(first) },
    slots: { count, last: secondText(last) },
  };
  await writeSession(store, layout, record);
};
