import type { CurrentRun, EndedRun, RetryRules } from './current-run.ts';
import type { Schedule } from './schedule.ts';
import { type Facts, type Hindrance, type StartRules, lookAgain } from './start.ts';
import type { Unused } from './passed-slots.ts';

/** What the leader remembers from hook to hook. */
export interface Standing {
  /**
   * Every slot up to this time is accounted for: it was begun, skipped or missed, or was before the
   * schedule began.
   */
  readonly accounted: Date;
  readonly current?: CurrentRun;
}

export interface Situation {
  readonly schedule: Schedule;
  readonly standing: Standing;
  readonly now: Date;
  /** Undefined when they were not looked at yet. When they matter, the decision is then `look`. */
  readonly facts: Facts | undefined;
  readonly rules: StartRules & RetryRules;
}

export type Step =
  | { readonly kind: 'look' }
  | { readonly kind: 'wait'; readonly why?: Waiting }
  | { readonly kind: 'run'; readonly run: BegunRun };

export interface BegunRun {
  readonly slot: Date;
  readonly attempt: number;
  /** Whether the run may go on although something runs in Kubeflow. */
  readonly allowRunning: boolean;
}

/** Why a slot that is due was not begun, and until when it may still be. */
export interface Waiting {
  readonly slot: Date;
  readonly until: Date;
  readonly hindrance: Hindrance | { readonly kind: 'retry'; readonly attempt: number };
}

export interface Decision {
  readonly step: Step;
  /** Slots that get no run, to be recorded. */
  readonly unused: readonly Unused[];
  /** The runs that ended since the last time, in the order of their slots. */
  readonly ended: readonly EndedRun[];
  /** What to remember. When a run was begun, `withRun` adds it. */
  readonly standing: Standing;
  /**
   * When to decide again at the latest. Always later than now; undefined when no slot comes any
   * more.
   */
  readonly wake: Date | undefined;
}

/**
 * Milliseconds. Juju's alarms come up to 59 s early (Juju 3.6, internal/worker/secretexpire: "one
 * minute granularity").
 */
export const early = 60_000;

/** Puts a decision together, with the time at which to decide again. */
export const decision = (
  situation: Situation,
  {
    step,
    accounted,
    current,
    unused = [],
    ended = [],
  }: {
    readonly step: Step;
    readonly accounted: Date;
    readonly current?: CurrentRun | undefined;
    readonly unused?: readonly Unused[];
    readonly ended?: readonly EndedRun[];
  },
): Decision => ({
  ...{ step, unused, ended },
  standing: { accounted, ...(current && { current }) },
  wake: wakeAt(situation, step, accounted, current),
});

const wakeAt = (
  { now, schedule }: Situation,
  step: Step,
  accounted: Date,
  current: CurrentRun | undefined,
): Date | undefined => {
  const from = later(now, early);
  const soon = later(now, lookAgain);
  const hindrance = step.kind === 'wait' ? step.why?.hindrance : undefined;
  const lookAt =
    hindrance?.kind === 'excluded'
      ? hindrance.until
      : hindrance?.kind === 'retry' || (step.kind === 'wait' && !hindrance && !current)
        ? undefined
        : soon;
  const times = [schedule.next(accounted > from ? accounted : from), lookAt, current?.retryAt];
  return times
    .filter((time) => time !== undefined && time > now)
    .reduce(
      (first, time) => (first !== undefined && time !== undefined && first < time ? first : time),
      undefined,
    );
};

export const later = (time: Date, milliseconds: number): Date =>
  new Date(time.getTime() + milliseconds);
