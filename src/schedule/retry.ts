import type { CurrentRun, EndedRun } from './current-run.ts';
import { type Decision, type Situation, type Step, decision, later } from './decision.ts';
import { type Facts, type Start, judgeStart } from './start.ts';
import { type SeenTask, tasksOfSlot } from './tasks.ts';

/**
 * The time of a retry has come. It is begun, unless a hook that was killed has begun it, or a later
 * slot has replaced it.
 */
export const decideRetry = (
  situation: Situation,
  run: CurrentRun,
  facts: Facts,
  accounted: Date,
): Decision => {
  const { now, rules, schedule } = situation;
  const tasks = facts.kind === 'seen' ? facts.tasks : undefined;
  const adopted = tasksOfSlot(tasks, run.slot, run.task).at(-1);
  const attempt = run.attempt + 1;
  if (adopted !== undefined)
    return decision(situation, {
      ...{ step: { kind: 'wait' }, accounted },
      current: adoptedRun(adopted, run.slot, attempt),
    });
  // A later slot has replaced it while the controller was away.
  if (accounted > run.slot)
    return decision(situation, {
      ...{ step: { kind: 'wait' }, accounted },
      current: tasks === undefined ? run : undefined,
    });
  const start = judgeStart(run.slot, facts, { now, rules, exclusions: schedule.exclusions });
  const step: Step =
    start.kind === 'run'
      ? { kind: 'run', run: { slot: run.slot, attempt, allowRunning: start.allowRunning } }
      : start.kind === 'hold'
        ? holdStep(situation, run.slot, start)
        : { kind: 'wait' };
  return decision(situation, {
    ...{ step, accounted },
    // A slot whose run failed has a record already.
    current: start.kind === 'skip' ? undefined : run,
  });
};

/**
 * A retry that found something at work and did nothing counts for none, and is tried again until
 * the start deadline is over.
 */
export const repeatedRetry = (
  { now, rules }: Situation,
  { slot, attempt, task }: CurrentRun,
): CurrentRun | undefined =>
  now > later(slot, rules.startDeadline)
    ? undefined
    : { slot, attempt: attempt - 1, task, retryAt: now };

/** What to remember of a run that failed; undefined when it is not tried again. */
export const retryOf = (
  { slot, attempt, task, retryAt }: EndedRun,
  accounted: Date,
): CurrentRun | undefined =>
  retryAt === undefined || accounted > slot ? undefined : { slot, attempt, task, retryAt };

/** A slot that is due waits for this until the start deadline. */
export const holdStep = (
  { rules }: Situation,
  slot: Date,
  { hindrance }: Extract<Start, { kind: 'hold' }>,
): Step => ({
  kind: 'wait',
  why: { slot, until: later(slot, rules.startDeadline), hindrance },
});

/** A run that a killed hook has begun. */
export const adoptedRun = ({ task }: SeenTask, slot: Date, attempt: number): CurrentRun => ({
  ...{ slot, attempt, task },
});
