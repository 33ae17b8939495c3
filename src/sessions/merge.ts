import type { EarlierRun, Session } from './session.ts';
import { killed } from './settle.ts';

/**
 * What is known of a session once another word of it came, in whatever order both come: a slot has
 * one record. The newest run for it speaks, the runs before it stay below `earlier`, and a slot is
 * called skipped or missed only while no run did more than to find Kubeflow busy.
 */
export const mergeSessions = (stored: Session, incoming: Session): Session => {
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
  return withEarlier(newer, [older, newer], older);
};

/** So many runs for one slot are told of. */
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
    // Another one would not have been begun while it went on.
    ...(phase === 'Running' && killed),
  };
};
