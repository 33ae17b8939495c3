import { randomUUID } from 'node:crypto';
import { CharmError, hasCode, orProblem } from '../errors.ts';
import type { ObjectStore } from '../world.ts';
import { backupIdAt, type BackupId, type Layout } from './layout.ts';
import type { Started } from './started.ts';

/** When more seconds than this are taken, something is wrong. */
const attempts = 300;

/**
 * Reserves the id of a new set: that of this second, or of the next one that is free. So a set
 * never writes into another one's folder, even when the clock was set back. The mark `started.json`
 * reserves the id; it also shows that a backup was begun, should it die. Once the set has a
 * manifest the mark has no meaning. To be called while the prefix's lock is held.
 */
export const reserveId = async (
  store: ObjectStore,
  layout: Layout,
  time: Date,
  told: Pick<Started, 'scales'> = { scales: [] },
): Promise<{ readonly id: BackupId; readonly mark: string }> => {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const id = backupIdAt(new Date(time.getTime() + attempt * 1000));
    if (!(await isFree(store, layout, id))) continue;
    if (await writeMark(store, layout, id, told)) return { id, mark: layout.started(id) };
  }
  throw new CharmError(
    'object-exists',
    `Each of the ${attempts} seconds from ${backupIdAt(time)} on is the id of a backup already under ${layout.sets} in ${store.description}.` +
      ' Nothing was changed. Look at the clock of this unit, then run the action again.',
  );
};

const isFree = async (store: ObjectStore, layout: Layout, id: BackupId): Promise<boolean> => {
  for await (const object of store.list(layout.set(id))) if (object.key !== '') return false;
  return (await store.head(layout.mlmdDump(id))) === undefined;
};

/** Whether the mark is ours now. */
const writeMark = async (
  store: ObjectStore,
  layout: Layout,
  id: BackupId,
  told: Pick<Started, 'scales'>,
): Promise<boolean> => {
  const key = layout.started(id);
  const text = `${JSON.stringify({ id, nonce: randomUUID(), ...told })}\n`;
  try {
    await store.put(key, text, { metadata: { contentType: 'application/json' }, ifAbsent: true });
    return true;
  } catch (error) {
    if (!hasCode(error, 'object-exists')) throw error;
    // The mark may be ours: perhaps only the reply was lost.
    const found = await orProblem(() => store.read(key));
    return !(found instanceof CharmError) && found.toString('utf8') === text;
  }
};
