import type { EarlierRun, Session } from './session.ts';
import { killed } from './settle.ts';

/**
 * Puts two records of one slot together, in whatever order they arrive. A slot has one record: that
 * of its newest run that did something. The other runs are listed below `earlier`. The slot counts
 * as skipped or missed only as long as every run of it found Kubeflow busy or another backup
 * running, and did nothing.
 */
export const mergeSessions = (stored: Session, incoming: Session): Session => {
  if (incoming.inferred === true && hasEnded(stored.earlier ?? [], incoming.task)) return stored;
  if (stored.task === incoming.task) {
    // The run itself knows best how it ended.
    const isWeaker = incoming.phase === 'Running' || incoming.inferred === true;
    const head = isWeaker && stored.phase !== 'Running' ? stored : incoming;
    return withEarlier(head, [stored, incoming]);
  }
  if (incoming.task === undefined || stored.task === undefined) {
    const [run, unused] = incoming.task === undefined ? [stored, incoming] : [incoming, stored];
    return run.phase === 'Skipped'
      ? withEarlier(unused, [run, unused], run)
      : withEarlier(run, [run, unused]);
  }
  const [older, newer] =
    Number(stored.task) < Number(incoming.task) ? [stored, incoming] : [incoming, stored];
  return newer.phase === 'Skipped' && older.phase !== 'Skipped'
    ? withEarlier(older, [older, newer], newer)
    : withEarlier(newer, [older, newer], older);
};

/** Whether it is known how the run of this task ended. */
export const hasEnded = (runs: readonly EarlierRun[], task: string | undefined): boolean =>
  runs.some((run) => run.task === task && run.phase !== 'Running');

/** How many earlier runs a record lists. */
const mostEarlier = 20;

const withEarlier = (head: Session, known: readonly Session[], before?: Session): Session => {
  const runs = new Map<string | undefined, EarlierRun>();
  for (const run of [
    ...known.flatMap(({ earlier = [] }) => earlier),
    ...(before ? [summary(before)] : []),
  ])
    runs.set(run.task, run);
  runs.delete(head.task);
  const earlier = [...runs.values()]
    .sort((one, other) => Number(one.task) - Number(other.task))
    .slice(-mostEarlier);
  return earlier.length === 0 ? head : { ...head, earlier };
};

const summary = (session: Session): EarlierRun => {
  const { started, unit, task, attempt, code, reason, phase, finished } = session;
  return {
    ...{ phase, started, unit },
    ...(finished !== undefined && { finished }),
    ...(task !== undefined && { task }),
    ...(attempt !== undefined && { attempt }),
    ...(code !== undefined && { code }),
    ...(reason !== undefined && { reason }),
    // While a run goes on no other is begun for its slot, so this one was killed.
    ...(phase === 'Running' && killed),
  };
};
