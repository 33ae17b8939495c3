import { CharmError, orProblem } from '../errors.ts';
import { unlessAborted } from '../unless-aborted.ts';
import type { Journal, KeptSession, Target, World } from '../world.ts';
import { type Session, parseSession, sessionText } from './session.ts';
import { settleRuns } from './settle.ts';
import { forgetOldSessions, listSessions, storeSession } from './stored-sessions.ts';

/** Milliseconds that S3 may take in a hook. The unit can do nothing else meanwhile. */
export const patienceInHooks = 20_000;
/** How many of the newest records are looked at for runs that vanished. */
const lookedAt = 10;

type DeliveringWorld = Pick<World, 'application' | 'journal' | 'clock' | 'openTarget' | 'openJuju'>;

/**
 * Keeps the record of a run, or of a slot that got no run, in the journal. From there it is sent to
 * S3. A record that says how the run ended is counted.
 */
export const keepSession = async (journal: Journal, session: Session): Promise<void> => {
  await journal.keepSession(nameInJournal(session), sessionText(session));
  await countEnded(journal, session);
};

const countEnded = async (journal: Journal, { phase, trigger, slots }: Session): Promise<void> => {
  if (phase !== 'Running')
    await journal.countRun(`${phase.toLowerCase()}/${trigger}`, slots?.count ?? 1);
};

/** Each run for a slot has a record and a log of its own until S3 has both. */
export const nameInJournal = ({ id, task }: Session): string =>
  task === undefined ? id : `${id}.${task}`;

/**
 * Keeps the record of a run whose end the schedule learned from Juju, unless the run has left a
 * record itself, which knows more. It is counted when it turns out that S3 has no record of the
 * run's own.
 */
export const keepEnd = async (journal: Journal, session: Session): Promise<void> => {
  const kept = await journal.sessions();
  const name = nameInJournal(session);
  if (!kept.some(({ id }) => id === name)) await journal.keepSession(name, sessionText(session));
};

interface Delivery {
  /** The run that is going on, whose record stays in the journal. */
  readonly current?: Session;
  /** Milliseconds after which S3 is given up. */
  readonly patience?: number;
  /** Called once for each run that was killed, so that it could not say how it ended. */
  readonly told?: (session: Session) => Promise<void>;
}

/**
 * Sends the records that the journal keeps to S3. One that says that it is running, and is not
 * `current`, was killed: it is settled first. Returns why they could not be
 * sent; they stay in the journal then, and the next hook tries again.
 */
export const deliverSessions = async (
  world: DeliveringWorld,
  { current, patience, told = async () => undefined }: Delivery = {},
): Promise<CharmError | undefined> => {
  const { journal } = world;
  const nameOfCurrent = current && nameInJournal(current);
  const kept = (await journal.sessions())
    .filter(({ id }) => id !== nameOfCurrent)
    // Of two runs for a slot the one that began first, whose task has the smaller number.
    .sort((one, other) => one.id.localeCompare(other.id, 'en', { numeric: true }));
  if (kept.length === 0) return undefined;
  return problemAt(world, patience, async (target) => {
    for (const one of kept) {
      await deliver(world, target, one, told);
      await journal.dropSession(one.id);
    }
    await forgetOldSessions(target);
  });
};

const deliver = async (
  world: DeliveringWorld,
  target: Target,
  { text, log }: KeptSession,
  told: (session: Session) => Promise<void>,
): Promise<void> => {
  const session = parseSession(text);
  if (session === undefined) return;
  for (const settled of await settleRuns(world, [session], { mayRun: false })) {
    const isNews = await storeSession(target, settled, log);
    if (isNews && settled.inferred === true) await countAndTell(world, settled, told);
  }
};

/** A run that wrote its own record has counted and told its end itself. */
const countAndTell = async (
  { journal }: DeliveringWorld,
  session: Session,
  told: (session: Session) => Promise<void>,
): Promise<void> => {
  await countEnded(journal, session);
  await told(session);
};

/**
 * Finds out how runs ended whose record in S3 says that they are running, although their unit is
 * gone and its journal with it. A run that still goes on in another unit is left alone.
 */
export const settleVanished = (
  world: DeliveringWorld,
  { current, patience, told = async () => undefined }: Delivery = {},
): Promise<CharmError | undefined> =>
  problemAt(world, patience, async (target) => {
    const { sessions } = await listSessions(target, { limit: lookedAt });
    const running = sessions.filter(
      ({ phase, task }) => phase === 'Running' && task !== current?.task,
    );
    for (const session of await settleRuns(world, running, { mayRun: true }))
      if (session.phase !== 'Running' && (await storeSession(target, session)))
        await countAndTell(world, session, told);
  });

const problemAt = async (
  world: DeliveringWorld,
  patience: number | undefined,
  work: (target: Target) => Promise<void>,
): Promise<CharmError | undefined> => {
  const late = patience === undefined ? undefined : AbortSignal.timeout(patience);
  const problem = await orProblem(async () => {
    const target = await world.openTarget();
    await using _store = target.store;
    await unlessAborted(work(target), late).catch((error: unknown) => {
      if (error !== late?.reason || late === undefined) throw error;
      throw new CharmError(
        'store-unreachable',
        `${target.store.description} did not answer within ${patience ?? 0} ms.`,
      );
    });
  });
  return problem instanceof CharmError ? problem : undefined;
};
