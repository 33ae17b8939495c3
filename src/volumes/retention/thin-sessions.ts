import { CharmError, orProblem } from '../../errors.ts';
import { mostSessions } from '../../sessions/stored-sessions.ts';
import type { Layout } from '../../repository/layout.ts';
import type { ObjectStore } from '../../world.ts';
import { type SessionRecord, readSession, sessionIds } from '../records/session-record.ts';

const concurrency = 16;

/**
 * Deletes the records and logs beyond the newest 200, except those of sessions that have a backup,
 * or one that was removed and may still be in its repository. To be called with the lock and with
 * keys that may delete.
 */
export const thinSessions = async (store: ObjectStore, layout: Layout): Promise<void> => {
  const old = (await sessionIds(store, layout)).slice(mostSessions);
  for (let at = 0; at < old.length; at += concurrency) {
    const some = old.slice(at, at + concurrency);
    const records = await Promise.all(
      some.map((id) => orProblem(() => readSession(store, layout, id))),
    );
    const useless = some.filter((_id, index) => isUseless(records[index]));
    if (useless.length > 0)
      await store.delete(
        useless.flatMap((id) => [layout.volumeSession(id), layout.volumeSessionLog(id)]),
      );
  }
};

/** One that cannot be read may be of a session with backups. */
const isUseless = (record: SessionRecord | CharmError | undefined): boolean => {
  if (record === undefined || record instanceof CharmError || record.phase === 'Running')
    return false;
  return (
    record.kind !== 'backup' ||
    record.volumes.every(({ snapshot, forgotten }) => snapshot === undefined || forgotten === true)
  );
};
