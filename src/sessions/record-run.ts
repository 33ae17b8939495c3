import { CharmError, type ErrorCode, expectedFailures, orProblem } from '../errors.ts';
import type { BackupManifest } from '../repository/manifest.ts';
import { secondText } from '../text.ts';
import type { Progress, World } from '../world.ts';
import { deliverSessions, keepSession, nameInJournal, settleVanished } from './deliver.ts';
import type { Phase, Session } from './session.ts';
import { storeSession } from './stored-sessions.ts';

export interface RunTrigger {
  /** Undefined when an operator ran the action. */
  readonly slot: Date | undefined;
  readonly attempt: number;
}

/**
 * Runs a backup under a record of it: in the journal from the beginning, so that a killed run is
 * known too, and in S3 as far as S3 can be reached. What the run says goes into its log. Nothing
 * about records makes a run fail; the outcome is that of `work`. `told` gets the record as the run
 * begins and as it has ended, and before that those of runs that are found to have been killed.
 */
export const recordRun = async <T extends { readonly manifest: BackupManifest }>(
  world: World,
  trigger: RunTrigger,
  work: (world: World) => Promise<T>,
  told: (session: Session) => Promise<void> = async () => undefined,
): Promise<T> => {
  const { journal, clock, unit, task } = world;
  const started = secondText(clock.now());
  const begun: Session = {
    format: 1,
    id: trigger.slot === undefined ? `${started}-${task ?? '0'}` : secondText(trigger.slot),
    trigger: trigger.slot === undefined ? 'operator' : 'schedule',
    phase: 'Running',
    ...{ started, unit },
    ...(task !== undefined && { task }),
    ...(trigger.slot !== undefined && {
      slot: secondText(trigger.slot),
      attempt: trigger.attempt,
    }),
  };
  await orProblem(() => keepSession(journal, begun));
  await orProblem(() => deliverSessions(world, { current: begun, told }));
  await settleVanished(world, { current: begun, told });
  await orProblem(() => announce(world, begun));
  await told(begun);
  const finish = async (end: Partial<Session> & { readonly phase: Phase }): Promise<void> => {
    const session: Session = { ...begun, finished: secondText(clock.now()), ...end };
    await orProblem(() => keepSession(journal, session));
    const problem = await orProblem(() => deliverSessions(world, { told }));
    if (problem instanceof CharmError)
      await world.progress.note(
        `The record of this run could not be stored in S3 and is sent later: ${problem.message}`,
      );
    await told(session);
  };
  try {
    const result = await work({ ...world, progress: await openLog(world, begun) });
    await finish(success(result.manifest));
    return result;
  } catch (error) {
    await finish(failure(error, trigger));
    throw error;
  }
};

/** Writes to S3 that the run has begun, so that all units can see it. */
const announce = async (world: World, session: Session): Promise<void> => {
  const target = await world.openTarget();
  await using _store = target.store;
  await storeSession(target, session);
};

const success = ({ id, consistent, databases, mlmd, buckets }: BackupManifest) => ({
  phase: 'Succeeded' as const,
  ...{ set: id, consistent },
  components: [
    ...databases.map(({ component, seconds, size, objects }) => ({
      ...{ name: component, seconds },
      ...(size !== undefined && { size }),
      ...(objects !== undefined && { objects }),
    })),
    ...(mlmd === undefined ? [] : [{ name: 'mlmd', seconds: mlmd.seconds, size: mlmd.size }]),
    ...buckets.map(({ bucket, seconds, size, objects, copied, bytesCopied }) => ({
      ...{ name: bucket, seconds, size, objects, copied, bytesCopied },
    })),
  ],
});

const failure = (error: unknown, { slot }: RunTrigger) => {
  const [first] = expectedFailures(error) ?? [];
  if (first === undefined)
    return { phase: 'Failed' as const, reason: 'The charm failed; see juju debug-log.' };
  const { code, message: reason } = first;
  return { phase: phaseOf(code, slot !== undefined), code, reason };
};

const phaseOf = (code: ErrorCode, isScheduled: boolean): Phase => {
  // The unit was asked to stop, or an operator stopped the task.
  if (code === 'interrupted' || code === 'stopped') return 'Cancelled';
  // Nothing was done. The schedule tries again, or another run made the backup.
  const nothingDone = code === 'workloads-running' || code === 'backup-running';
  return isScheduled && nothingDone ? 'Skipped' : 'Failed';
};

const openLog = async (
  { progress, journal, clock }: World,
  session: Session,
): Promise<Progress> => {
  const log = async (message: string): Promise<void> => {
    const line = `${secondText(clock.now())} ${message}\n`;
    await orProblem(() => journal.appendSessionLog(nameInJournal(session), line));
  };
  const { task = '?', attempt = 1 } = session;
  await log(attempt === 1 ? `Task ${task}` : `Task ${task}, attempt ${attempt}`);
  return {
    step: async (message) => {
      await log(message);
      await progress.step(message);
    },
    note: async (message) => {
      await log(message);
      await progress.note(message);
    },
  };
};
