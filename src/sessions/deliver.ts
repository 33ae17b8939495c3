import { CharmError, orProblem } from '../errors.ts';
import type { Journal, Target, World } from '../world.ts';
import { type Session, parseSession, secondText, sessionText } from './session.ts';
import { forgetOldSessions, storeSession } from './stored-sessions.ts';

/** Milliseconds that S3 may take in a hook. */
const patience = 10_000;

/** Keeps a record in the journal, from where it is sent to S3. */
export const keepSession = (journal: Journal, session: Session): Promise<void> =>
  journal.keepSession(session.id, sessionText(session));

/**
 * Sends the records that the journal keeps to S3. One that says that it is running, and is not
 * `current`, was killed: it is settled first. Returns why they could not be sent; they stay in the
 * journal then, and the next hook tries again.
 */
export const deliverSessions = async (
  world: Pick<World, 'journal' | 'clock' | 'openTarget'>,
  current?: string,
): Promise<CharmError | undefined> => {
  const { journal, clock } = world;
  const kept = await journal.sessions();
  if (kept.length === 0) return undefined;
  const problem = await orProblem(async () => {
    const target = await world.openTarget();
    await using _store = target.store;
    for (const { id, text, log } of kept)
      if (id !== current) await deliver(target, { journal, id, log }, settled(text, clock.now()));
    await forgetOldSessions(target);
  });
  return problem instanceof CharmError ? problem : undefined;
};

const deliver = async (
  target: Target,
  {
    journal,
    id,
    log,
  }: { readonly journal: Journal; readonly id: string; readonly log: string | undefined },
  session: Session | undefined,
): Promise<void> => {
  if (session !== undefined)
    await storeSession(target, session, log, AbortSignal.timeout(patience));
  await journal.dropSession(id);
};

/** A run whose process is gone did not say how it ended. */
const settled = (text: string, now: Date): Session | undefined => {
  const session = parseSession(text);
  if (session?.phase !== 'Running') return session;
  return {
    ...session,
    phase: 'Failed',
    finished: secondText(now),
    code: 'interrupted',
    reason:
      'The run was killed before it could say how it ended. What it had changed is put back by the next hook.',
  };
};
