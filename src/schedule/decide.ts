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
import { adoptedRun, decideRetry, holdStep, repeatedRetry, retryOf } from './retry.ts';
import { type Facts, judgeStart } from './start.ts';
import { plausible, slotsBetween } from './due-slots.ts';
import { type Unused, passedSlots, runsOfSlot } from './passed-slots.ts';
import { type SeenTask, coveringTask, foundOccupied, goesOn, isOf, tasksOfSlot } from './tasks.ts';

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
      return decision(situation, {
        ...{ step: { kind: 'wait' }, accounted },
        ended: [state.ended],
      });
    if (current.attempt === 1)
      return decide({ ...situation, standing: reopened(situation, current, tasks) });
    const again = repeatedRetry(situation, current);
    return again === undefined
      ? decision(situation, { step: { kind: 'wait' }, accounted, ended: [state.ended] })
      : decide({ ...situation, standing: { accounted, current: again } });
  }

  const ended = state.kind === 'ended' || state.kind === 'reopened' ? [state.ended] : [];
  const newest = due.at(-1);
  if (newest !== undefined && facts !== undefined)
    return decideNewest(situation, {
      due,
      newest,
      facts,
      ended,
      isActive: state.kind === 'active',
    });
  const [over] = ended;
  const kept = over === undefined ? current : retryOf(over, accounted);
  if (kept !== undefined && isRetryDue && facts !== undefined)
    return decideRetry(situation, kept, facts, accounted);
  return decision(situation, { step: waitFor(kept), accounted, current: kept, ended });
};

/** What to remember after the run of a decision was enqueued as this task. */
export const withRun = ({ accounted }: Standing, run: BegunRun, task: string): Standing => ({
  accounted: run.slot > accounted ? run.slot : accounted,
  current: { slot: run.slot, attempt: run.attempt, task },
});

/** The slot of this run is due again. Another run may still go on. */
const reopened = (
  { now, rules }: Situation,
  { slot }: CurrentRun,
  tasks: readonly SeenTask[] = [],
): Standing => {
  const other = tasks.findLast(
    (task) => task.slot !== undefined && !isOf(task, slot) && goesOn(task, now, rules),
  );
  return {
    accounted: later(slot, -1),
    ...(other?.slot && { current: adoptedRun(other, other.slot, 1) }),
  };
};

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
    readonly ended: readonly EndedRun[];
    readonly isActive: boolean;
  },
): Decision => {
  const { now, rules } = situation;
  const tasks = facts.kind === 'seen' ? facts.tasks : undefined;
  const { current } = situation.standing;
  const known = isActive || tasks === undefined ? current : undefined;
  // A hook that was killed may have begun another run of the slot that this one replaces.
  const again =
    current && !isActive
      ? runsOfSlot(current.slot, tasks, { now, rules, after: current })
      : undefined;
  const older = passedSlots(due.slice(0, -1), tasks, {
    ...{ now, rules, phase: 'Missed' },
    reason: 'A later slot had come by the time that the charm could look.',
  });
  const seen = older.current ?? (isActive ? known : undefined) ?? again?.current;
  // While the controller is away, the run that is remembered may go on, or a killed hook may have
  // begun its retry.
  const running = seen ?? known;
  const over = [...ended.map(withoutRetryAt), ...(again?.ended ?? []), ...older.ended];
  const { unused } = older;
  const done = { accounted: newest, step: { kind: 'wait' }, current: running } as const;

  const own = tasksOfSlot(tasks, newest);
  const adopted = own.at(-1);
  if (adopted !== undefined) {
    // It was enqueued by a hook that was killed before it could remember that.
    const begun = adoptedRun(adopted, newest, own.length);
    const others = runsOfSlot(newest, tasks, { now, rules }).ended.filter(
      ({ task }) => task !== begun.task,
    );
    return decision(situation, { ...done, unused, current: begun, ended: [...over, ...others] });
  }
  if (coveringTask(tasks, newest) !== undefined || isLate(newest, situation)) {
    const why = seen ? whileRunning(seen) : lateReason(facts, newest);
    const passed = passedSlots(due, tasks, { now, rules, ...why });
    return decision(situation, { ...done, unused: passed.unused, ended: over });
  }
  const before = {
    ...{ current: running, unused, ended: over },
    accounted: due.at(-2) ?? plausible(situation.standing, now).accounted,
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
    case 'skip': {
      const { reason } = start;
      const last = passedSlots([newest], tasks, { now, rules, phase: 'Skipped', reason });
      return decision(situation, { ...done, unused: [...unused, ...last.unused], ended: over });
    }
    case 'hold':
      return decision(situation, { ...before, step: holdStep(situation, newest, start) });
  }
};

const waitFor = (run: CurrentRun | undefined): Step => {
  if (run?.retryAt === undefined) return { kind: 'wait' };
  const { slot, attempt, retryAt: until } = run;
  return {
    kind: 'wait',
    why: { slot, until, hindrance: { kind: 'retry', attempt: attempt + 1 } },
  };
};

const withoutRetryAt = ({ slot, attempt, task, state }: EndedRun): EndedRun => ({
  ...{ slot, attempt, task, state },
});

const isLate = (slot: Date, { now, rules }: Situation): boolean =>
  now > later(slot, rules.startDeadline);

const whileRunning = ({ task }: CurrentRun): Why => ({
  phase: 'Skipped',
  reason: `The run of task ${task} was still going on.`,
});

const lateReason = (facts: Facts, slot: Date): Why => {
  if (facts.kind === 'unreachable')
    return missed('The controller could not be reached until the start deadline was over.');
  return facts.tasks.some((task) => foundOccupied(task) && isOf(task, slot))
    ? {
        phase: 'Skipped',
        reason: 'Another operation was at work until the start deadline was over.',
      }
    : missed('It could not be begun before the start deadline was over.');
};

const missed = (reason: string): Why => ({ phase: 'Missed', reason });

type Why = Pick<Unused, 'phase' | 'reason'>;
