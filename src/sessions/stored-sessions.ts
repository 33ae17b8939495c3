import { CharmError, hasCode } from '../errors.ts';
import { layoutOf } from '../repository/layout.ts';
import type { Target } from '../world.ts';
import { type Session, isSessionId, parseSession, sessionText } from './session.ts';

/** So many records are kept. */
export const mostSessions = 200;
const concurrency = 16;

/** Writes a record, and the log when there is one, over what was there. */
export const storeSession = async (
  { store, prefix }: Target,
  session: Session,
  log: string | undefined,
  signal?: AbortSignal,
): Promise<void> => {
  const layout = layoutOf(prefix);
  const limit = signal === undefined ? {} : { signal };
  if (log !== undefined)
    await store.put(layout.runLog(session.id), log, {
      ...limit,
      metadata: { contentType: 'text/plain; charset=utf-8' },
    });
  await store.put(layout.run(session.id), sessionText(session), {
    ...limit,
    metadata: { contentType: 'application/json' },
  });
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
  const log = await readText(target, layoutOf(target.prefix).runLog(id));
  return { session, log };
};

/** Deletes the records beyond the newest 200, with their logs. */
export const forgetOldSessions = async (target: Target): Promise<void> => {
  const layout = layoutOf(target.prefix);
  const old = (await sessionIds(target)).slice(mostSessions);
  if (old.length > 0)
    await target.store.delete(old.flatMap((id) => [layout.run(id), layout.runLog(id)]));
};

/** Newest first. */
const sessionIds = async ({ store, prefix }: Target): Promise<readonly string[]> => {
  const { runs } = layoutOf(prefix);
  const ids: string[] = [];
  for await (const { key } of store.list(runs)) {
    const id = key.slice(runs.length, -'.json'.length);
    if (key.endsWith('.json') && isSessionId(id)) ids.push(id);
  }
  return ids.sort().reverse();
};

const readStored = async (target: Target, id: string): Promise<Session | undefined> => {
  const text = await readText(target, layoutOf(target.prefix).run(id));
  const session = text === undefined ? undefined : parseSession(text);
  return session?.id === id ? session : undefined;
};

const readText = async ({ store }: Target, key: string): Promise<string | undefined> => {
  try {
    return (await store.read(key)).toString('utf8');
  } catch (error) {
    if (hasCode(error, 'object-missing')) return undefined;
    throw error;
  }
};
