import type { Exclusions } from './exclusions.ts';
import {
  type DeadlineRules,
  type SeenTask,
  foundBusy,
  foundOccupied,
  goesOn,
  isInTheWay,
  isOf,
} from './tasks.ts';

/**
 * What the controller and Kubeflow tell. It is looked at only when it matters, because it costs a
 * login.
 */
export type Facts =
  | { readonly kind: 'unreachable' }
  | {
      readonly kind: 'seen';
      readonly tasks: readonly SeenTask[];
      /** Workloads in Kubeflow that would make a set inconsistent. */
      readonly busy: readonly string[];
    };

export interface StartRules extends DeadlineRules {
  /** Milliseconds after which a slot that was not begun is missed. */
  readonly startDeadline: number;
  readonly whenBusy: 'wait' | 'skip' | 'run';
}

/** Why a slot that is due has to wait. */
export type Hindrance =
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'task'; readonly task: string }
  /** Another operation was at work on the path in S3 a moment before. */
  | { readonly kind: 'occupied' }
  | { readonly kind: 'excluded'; readonly until: Date }
  | { readonly kind: 'busy'; readonly running: readonly string[] };

export type Start =
  | { readonly kind: 'hold'; readonly hindrance: Hindrance }
  | { readonly kind: 'skip'; readonly reason: string }
  /** `allowRunning`: it may go on although something runs. */
  | { readonly kind: 'run'; readonly allowRunning: boolean };

/** Milliseconds after which a hindrance is looked at again. */
export const lookAgain = 5 * 60_000;
/** Milliseconds. A shorter time than this is not waited for. */
const trifle = 60_000;

/** Whether the run of a slot that is due, and not late, may start now. */
export const judgeStart = (
  slot: Date,
  facts: Facts,
  {
    now,
    rules,
    exclusions,
  }: { readonly now: Date; readonly rules: StartRules; readonly exclusions: Exclusions },
): Start => {
  const hold = (hindrance: Hindrance): Start => ({ kind: 'hold', hindrance });
  if (facts.kind === 'unreachable') return hold({ kind: 'unreachable' });
  const { tasks, busy } = facts;
  const met = tasks.findLast((task) => foundOccupied(task) && isOf(task, slot));
  const active = tasks.find(
    (task) =>
      isInTheWay(task, now, rules.runDeadline) ||
      // The run of this slot met its lock, so it is at work, however old it is.
      (met !== undefined && goesOn(task, now, rules)),
  );
  if (active !== undefined) return hold({ kind: 'task', task: active.task });
  if (met !== undefined && endedJustNow(met, now)) return hold({ kind: 'occupied' });
  const excluded = exclusions.remaining(now);
  if (excluded > trifle)
    return hold({ kind: 'excluded', until: new Date(now.getTime() + excluded) });
  const isBusy =
    busy.length > 0 ||
    tasks.some((task) => foundBusy(task) && isOf(task, slot) && endedJustNow(task, now));
  if (rules.whenBusy === 'run' || !isBusy)
    return { kind: 'run', allowRunning: rules.whenBusy === 'run' };
  if (rules.whenBusy === 'skip') {
    const running = busy.slice(0, 3).join(', ') || 'something began to run';
    return { kind: 'skip', reason: `Kubeflow was busy (schedule-when-busy=skip): ${running}.` };
  }
  const untilDeadline = slot.getTime() + rules.startDeadline - now.getTime();
  return untilDeadline > 2 * lookAgain
    ? hold({ kind: 'busy', running: busy })
    : { kind: 'run', allowRunning: true };
};

const endedJustNow = ({ began, ended = began }: SeenTask, now: Date): boolean =>
  now.getTime() - ended.getTime() < lookAgain;
