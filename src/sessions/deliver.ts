import { CharmError, orProblem } from '../errors.ts';
import { unlessAborted } from '../unless-aborted.ts';
import type { Journal, KeptSession, Target, World } from '../world.ts';
import { type Session, parseSession, sessionText } from './session.ts';
import { settleRuns } from './settle.ts';
import { forgetOldSessions, listSessions, storeSession } from './stored-sessions.ts';

/** Milliseconds that S3 may take in a hook, during which nothing else happens in the unit. */
export const patienceInHooks = 20_000;
/** So many of the newest records are looked at for runs that vanished. */
const lookedAt = 10;

type DeliveringWorld = Pick<World, 'application' | 'journal' | 'clock' | 'openTarget' | 'openJuju'>;

/**
 * Keeps what a run says of itself, or a slot that got no run, in the journal, from where it is sent
 * to S3. Counts it when it has ended.
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
 * Keeps a record of a run of which the schedule learned from Juju that it ended, and how: that of
 * the run itself is better, when there is one. It is counted when S3 turns out not to have that.
 */
export const keepEnd = async (journal: Journal, session: Session): Promise<void> => {
  const kept = await journal.sessions();
  const name = nameInJournal(session);
  if (!kept.some(({ id }) => id === name)) await journal.keepSession(name, sessionText(session));
};

interface Delivery {
  /** The run that goes on. */
  readonly current?: Session;
  /** Milliseconds after which S3 is given up. */
  readonly patience?: number;
  /** Gets each run that turns out to have ended without saying so, once. */
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

/** What a run said itself was counted and told then. */
const countAndTell = async (
  { journal }: DeliveringWorld,
  session: Session,
  told: (session: Session) => Promise<void>,
): Promise<void> => {
  await countEnded(journal, session);
  await told(session);
};

/**
 * Settles runs of which S3 says that they go on, although they do not, and no journal knows of them
 * any more: of a unit that is gone, with its storage. A run that still goes on in another unit is
 * left alone.
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
