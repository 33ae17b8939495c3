import { CharmError } from '../errors.ts';
import { layoutOf } from '../repository/layout.ts';
import { readText } from '../repository/read-text.ts';
import type { Target } from '../world.ts';
import { hasEnded, mergeSessions } from './merge.ts';
import { sessionPage } from './session-page.ts';
import { type Session, isSessionId, parseSession, sessionText } from './session.ts';

/** How many records are kept. Those of runs that made a set are kept as well. */
export const mostSessions = 200;
const concurrency = 16;

/** Characters; what is before them is left out. */
const longestLog = 1 << 20;

/**
 * Writes a record, together with what S3 knew of the session: earlier runs for the slot stay
 * listed, and their logs come before this one's. Returns whether S3 learned only now how this run
 * ended.
 */
export const storeSession = async (
  target: Target,
  session: Session,
  log?: string,
): Promise<boolean> => {
  const { store, prefix } = target;
  const layout = layoutOf(prefix);
  const { id } = session;
  const put = (key: string, text: string, contentType: string): Promise<unknown> =>
    store.put(key, text, { metadata: { contentType } });
  const stored = await readStored(target, id);
  const merged = stored === undefined ? session : mergeSessions(stored, session);
  const before = await readText(target.store, layout.runLog(id));
  // It is already there when the record was sent before and the log was not.
  const isThere = log === undefined || before?.endsWith(log) === true;
  const said = isThere ? before : ((before ?? '') + log).slice(-longestLog);
  if (said !== undefined && !isThere)
    await put(layout.runLog(id), said, 'text/plain; charset=utf-8');
  const page = sessionPage(target.application, merged, said);
  await put(layout.runPage(id), page, 'text/html; charset=utf-8');
  if (merged.set !== undefined) await put(layout.runSet(id), merged.set, 'text/plain');
  await put(layout.run(id), sessionText(merged), 'application/json');
  const known = stored === undefined ? [] : [stored, ...(stored.earlier ?? [])];
  return session.phase !== 'Running' && !hasEnded(known, session.task);
};

/**
 * The newest records, newest first, from S3 alone. One that cannot be read is left out, because
 * nothing depends on it.
 */
export const listSessions = async (
  target: Target,
  { limit, before }: { readonly limit: number; readonly before?: string },
): Promise<{ readonly sessions: readonly Session[]; readonly next: string | undefined }> => {
  const ids = (await sessionIds(target)).filter((id) => before === undefined || id < before);
  const chosen = ids.slice(0, limit);
  const sessions: Session[] = [];
  for (let start = 0; start < chosen.length; start += concurrency) {
    const read = await Promise.all(
      chosen.slice(start, start + concurrency).map((id) => readStored(target, id)),
    );
    sessions.push(...read.filter((session) => session !== undefined));
  }
  return { sessions, next: ids.length > limit ? chosen.at(-1) : undefined };
};

/** A record and its log. Rejects with `session-missing`. */
export const readSession = async (
  target: Target,
  id: string,
): Promise<{ readonly session: Session; readonly log: string | undefined }> => {
  const session = isSessionId(id) ? await readStored(target, id) : undefined;
  if (session === undefined)
    throw new CharmError(
      'session-missing',
      `There is no session ${id} under ${target.prefix} in ${target.store.description}. See juju run ${target.application}/leader list-sessions.`,
    );
  const log = await readText(target.store, layoutOf(target.prefix).runLog(id));
  return { session, log };
};

/** Deletes what lies beyond the newest 200 records, except the records of runs that made a set. */
export const forgetOldSessions = async (target: Target): Promise<void> => {
  const layout = layoutOf(target.prefix);
  const keys = await keysOfSessions(target);
  const old = newestFirst(keys)
    .slice(mostSessions)
    .filter((id) => !keys.get(id)?.includes(layout.runSet(id)));
  if (old.length > 0) await target.store.delete(old.flatMap((id) => keys.get(id) ?? []));
};

const sessionIds = async (target: Target): Promise<readonly string[]> =>
  newestFirst(await keysOfSessions(target));

const newestFirst = (keys: ReadonlyMap<string, readonly string[]>): readonly string[] =>
  [...keys.keys()].sort().reverse();

/** All that belongs to each record that there is. */
const keysOfSessions = async ({
  store,
  prefix,
}: Target): Promise<ReadonlyMap<string, readonly string[]>> => {
  const layout = layoutOf(prefix);
  const found = new Map<string, string[]>();
  for await (const { key } of store.list(layout.runs)) {
    const [id = ''] = key.slice(layout.runs.length).split('.');
    if (isSessionId(id)) found.set(id, [...(found.get(id) ?? []), key]);
  }
  return new Map([...found].filter(([id, keys]) => keys.includes(layout.run(id))));
};

const readStored = async (target: Target, id: string): Promise<Session | undefined> => {
  const text = await readText(target.store, layoutOf(target.prefix).run(id));
  const session = text === undefined ? undefined : parseSession(text);
  return session?.id === id ? session : undefined;
};
