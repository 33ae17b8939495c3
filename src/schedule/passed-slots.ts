import type { CurrentRun, EndedRun } from './current-run.ts';
import { type DeadlineRules, type SeenTask, coveringTask, goesOn, tasksOfSlot } from './tasks.ts';

/** Slots that get no run, from `first` to `last`. */
export interface Unused {
  readonly phase: 'Skipped' | 'Missed';
  readonly first: Date;
  readonly last: Date;
  readonly count: number;
  readonly reason: string;
}

/** What became of slots whose time is over. Each slot is in one of these. */
export interface PassedSlots {
  /** In their order. */
  readonly unused: readonly Unused[];
  /** The runs that slots had of which nobody could tell when they ended, in their order. */
  readonly ended: readonly EndedRun[];
  /** A run that goes on. */
  readonly current: CurrentRun | undefined;
}

/**
 * Tells what became of slots that get no run any more. A slot may have had one, which was enqueued
 * by a hook that was killed: then it is that run that is told, however it ended. Of the others,
 * those that another backup covered are `Skipped`; the rest get this phase and reason.
 */
export const passedSlots = (
  slots: readonly Date[],
  tasks: readonly SeenTask[] | undefined,
  {
    phase,
    reason,
    now,
    rules,
  }: Pick<Unused, 'phase' | 'reason'> & { readonly now: Date; readonly rules: DeadlineRules },
): PassedSlots => {
  const unused: Unused[] = [];
  const ended: EndedRun[] = [];
  let current: CurrentRun | undefined;
  let mayJoin = true;
  for (const slot of slots) {
    const runs = runsOfSlot(slot, tasks, { now, rules });
    current = runs.current ?? current;
    ended.push(...runs.ended);
    if (runs.current !== undefined || runs.ended.length > 0) {
      mayJoin = false;
      continue;
    }
    const one: Unused = {
      ...{ first: slot, last: slot, count: 1, phase, reason },
      ...coveredBy(coveringTask(tasks, slot)),
    };
    const last = unused.at(-1);
    if (mayJoin && last?.phase === one.phase && last.reason === one.reason)
      unused[unused.length - 1] = { ...last, last: slot, count: last.count + 1 };
    else unused.push(one);
    mayJoin = true;
  }
  return { unused, ended, current };
};

/** The runs of a slot: those that have ended, and one that goes on. `after`: only later ones. */
export const runsOfSlot = (
  slot: Date,
  tasks: readonly SeenTask[] | undefined,
  {
    now,
    rules,
    after,
  }: {
    readonly now: Date;
    readonly rules: DeadlineRules;
    readonly after?: Pick<CurrentRun, 'attempt' | 'task'> | undefined;
  },
): Pick<PassedSlots, 'ended' | 'current'> => {
  const ended: EndedRun[] = [];
  let current: CurrentRun | undefined;
  let attempt = after?.attempt ?? 0;
  for (const task of tasksOfSlot(tasks, slot, after?.task)) {
    attempt += 1;
    const run = { slot, attempt, task: task.task };
    if (goesOn(task, now, rules)) current = run;
    else ended.push({ ...run, state: task.state === 'active' ? 'vanished' : task.state });
  }
  return { ended, current };
};

const coveredBy = (task: SeenTask | undefined): Pick<Unused, 'phase' | 'reason'> | undefined =>
  task && {
    phase: 'Skipped',
    reason: `The backup of task ${task.task} was being made at that time, and succeeded.`,
  };
