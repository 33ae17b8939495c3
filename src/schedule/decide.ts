import { type CurrentRun, type EndedRun, stateOfRun } from './current-run.ts';
import {
  type BegunRun,
  type Decision,
  type Situation,
  type Standing,
  type Step,
  decision,
  early,
  later,
} from './decision.ts';
import type { Schedule } from './schedule.ts';
import { type Facts, type Start, judgeStart } from './start.ts';
import { type SeenTask, coveringTask, taskOfSlot } from './tasks.ts';
import { unusedSlots } from './unused.ts';

const hour = 3_600_000;
const farAhead = 25 * hour;
const farBehind = 400 * 24 * hour;

/**
 * Decides what to do now for a schedule. A pure function that every hook calls; hooks may come
 * twice, late or early. A slot gets at most one run and its retries. It gets one when this is
 * called within the start deadline and nothing hinders it.
 */
export const decide = (situation: Situation): Decision => {
  const { schedule, now, facts } = situation;
  const { accounted, current } = plausible(situation.standing, now);
  const due = slotsBetween(schedule, accounted, later(now, early));
  const tasks = facts?.kind === 'seen' ? facts.tasks : undefined;
  const state = stateOfRun(current, tasks, situation);
  const isRetryDue = state.kind === 'retry' && state.at <= later(now, early);
  if (facts === undefined && (due.length > 0 || state.kind === 'unknown' || isRetryDue))
    return decision(situation, { step: { kind: 'look' }, accounted, current });
  if (state.kind === 'reopened' && current !== undefined && due.length === 0) {
    // A later slot may have been begun, skipped or missed while the controller was away. It
    // replaced this one.
    if (accounted > current.slot)
      return decision(situation, { step: { kind: 'wait' }, accounted, current: undefined });
    return decide({ ...situation, standing: { accounted: later(current.slot, -1) } });
  }

  const ended = state.kind === 'ended' ? state.ended : undefined;
  const newest = due.at(-1);
  if (newest !== undefined && facts !== undefined)
    return decideNewest(situation, {
      due,
      newest,
      facts,
      ended,
      isActive: state.kind === 'active',
    });
  const kept = ended === undefined ? current : retryOf(ended);
  if (kept !== undefined && isRetryDue && facts !== undefined)
    return decideRetry(situation, kept, facts, accounted);
  return decision(situation, { step: waitFor(kept), accounted, current: kept, ended });
};

/** What to remember after the run of a decision was enqueued as this task. */
export const withRun = ({ accounted }: Standing, run: BegunRun, task: string): Standing => ({
  accounted: run.slot > accounted ? run.slot : accounted,
  current: { slot: run.slot, attempt: run.attempt, task },
});

/**
 * A slot whose time has come. It replaces a retry. Earlier slots that were not begun get no run any
 * more.
 */
const decideNewest = (
  situation: Situation,
  {
    due,
    newest,
    facts,
    ended,
    isActive,
  }: {
    readonly due: readonly Date[];
    readonly newest: Date;
    readonly facts: Facts;
    readonly ended: EndedRun | undefined;
    readonly isActive: boolean;
  },
): Decision => {
  const { now, rules } = situation;
  const { current } = situation.standing;
  const tasks = facts.kind === 'seen' ? facts.tasks : undefined;
  const running = isActive || tasks === undefined ? withoutRetry(current) : undefined;
  const older = unusedSlots(
    due.slice(0, -1),
    tasks,
    'Missed',
    'A later slot had come by the time that the charm could look.',
  );
  const done = { accounted: newest, ended: withoutRetryAt(ended), current: running };

  const adopted = taskOfSlot(tasks, newest);
  if (adopted !== undefined)
    // It was enqueued by a hook that was killed before it could remember that.
    return decision(situation, {
      ...{ ...done, step: { kind: 'wait' }, unused: older },
      current: adoptedRun(adopted, newest, 1),
    });
  if (coveringTask(tasks, newest) !== undefined || isLate(newest, situation)) {
    const unused =
      isActive && current !== undefined
        ? unusedSlots(due, tasks, 'Skipped', `The run of task ${current.task} was still going on.`)
        : unusedSlots(due, tasks, 'Missed', lateReason(facts));
    return decision(situation, { ...done, step: { kind: 'wait' }, unused });
  }
  const before = {
    ...done,
    accounted: older.at(-1)?.last ?? plausible(situation.standing, now).accounted,
    unused: older,
  };
  const start = judgeStart(newest, facts, {
    now,
    rules,
    exclusions: situation.schedule.exclusions,
  });
  switch (start.kind) {
    case 'run':
      return decision(situation, {
        ...before,
        step: { kind: 'run', run: { slot: newest, attempt: 1, allowRunning: start.allowRunning } },
      });
    case 'skip':
      return decision(situation, {
        ...done,
        step: { kind: 'wait' },
        unused: [...older, ...unusedSlots([newest], tasks, 'Skipped', start.reason)],
      });
    case 'hold':
      return decision(situation, { ...before, step: holdStep(situation, newest, start) });
  }
};

/** The time of a retry has come. */
const decideRetry = (
  situation: Situation,
  run: CurrentRun,
  facts: Facts,
  accounted: Date,
): Decision => {
  const { now, rules, schedule } = situation;
  const tasks = facts.kind === 'seen' ? facts.tasks : undefined;
  const adopted = taskOfSlot(tasks, run.slot, run.task);
  const attempt = run.attempt + 1;
  if (adopted !== undefined)
    return decision(situation, {
      ...{ step: { kind: 'wait' }, accounted },
      current: adoptedRun(adopted, run.slot, attempt),
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

const holdStep = (
  { rules }: Situation,
  slot: Date,
  { hindrance }: Extract<Start, { kind: 'hold' }>,
): Step => ({
  kind: 'wait',
  why: { slot, until: later(slot, rules.startDeadline), hindrance },
});

const waitFor = (run: CurrentRun | undefined): Step => {
  if (run?.retryAt === undefined) return { kind: 'wait' };
  const { slot, attempt, retryAt: until } = run;
  return {
    kind: 'wait',
    why: { slot, until, hindrance: { kind: 'retry', attempt: attempt + 1 } },
  };
};

const retryOf = ({ slot, attempt, task, retryAt }: EndedRun): CurrentRun | undefined =>
  retryAt === undefined ? undefined : { slot, attempt, task, retryAt };

const withoutRetry = (run: CurrentRun | undefined): CurrentRun | undefined =>
  run?.retryAt === undefined ? run : undefined;

const withoutRetryAt = (ended: EndedRun | undefined): EndedRun | undefined =>
  ended && {
    ...{ slot: ended.slot, attempt: ended.attempt, task: ended.task },
    state: ended.state,
  };

const adoptedRun = ({ task }: SeenTask, slot: Date, attempt: number): CurrentRun => ({
  ...{ slot, attempt, task },
});

const isLate = (slot: Date, { now, rules }: Situation): boolean =>
  now > later(slot, rules.startDeadline);

const lateReason = (facts: Facts): string =>
  facts.kind === 'unreachable'
    ? 'The controller could not be reached until the start deadline was over.'
    : 'It could not be begun before the start deadline was over.';

/**
 * A clock may have been wrong by years. Backups must not stop for years then, and years of slots
 * must not count as missed.
 */
const plausible = (standing: Standing, now: Date): Standing => {
  const age = now.getTime() - standing.accounted.getTime();
  return -age > farAhead || age > farBehind ? { ...standing, accounted: now } : standing;
};

const slotsBetween = (schedule: Schedule, after: Date, upTo: Date): readonly Date[] => {
  const slots: Date[] = [];
  let slot = schedule.next(after);
  while (slot !== undefined && slot <= upTo) {
    slots.push(slot);
    slot = schedule.next(slot);
  }
  return slots;
};
