import assert from 'node:assert/strict';
import { decide, withRun } from '../../src/schedule/decide.ts';
import type { Decision, Situation, Standing } from '../../src/schedule/decision.ts';
import type { Schedule } from '../../src/schedule/schedule.ts';
import {
  type SeenTask,
  coveringTask,
  foundBusy,
  foundOccupied,
  goesOn,
  tasksOfSlot,
} from '../../src/schedule/tasks.ts';

/** What happens in a hook besides the hook itself. */
export interface HookWeather {
  /** Juju never sees the hook's end: what it enqueued stays, what it remembered does not. */
  readonly crash: boolean;
  readonly reachable: boolean;
  readonly busy: boolean;
}

export interface RunWeather {
  readonly outcome:
    'succeeded' | 'passing' | 'busy' | 'occupied' | 'lasting' | 'cancelled' | 'vanished' | 'stuck';
  readonly minutes: number;
}

const minute = 60_000;

/**
 * A leader's hooks around `decide`, with a controller that runs what was enqueued. It checks every
 * decision as it is made.
 */
export class SimulatedLeader {
  standing: Standing;
  /**
   * What was recorded of each slot, by its time; a run that was begun replaces what was said
   * before.
   */
  readonly recorded = new Map<number, 'begun' | 'Skipped' | 'Missed'>();
  /** The tasks of which a decision told how they ended. */
  readonly toldTasks = new Set<string>();
  /** Slots that were given up while nobody could see whether a killed hook had begun a run. */
  readonly #unseen = new Set<number>();
  readonly tasks: SeenTask[] = [];
  readonly #schedule: Schedule;
  readonly #rules: Situation['rules'];
  #crashed = false;

  constructor(schedule: Schedule, rules: Situation['rules'], start: Date) {
    this.#schedule = schedule;
    this.#rules = rules;
    this.standing = { accounted: start };
  }

  /** Runs one hook; returns the time for which it set the timer, as Juju knows it. */
  hook(now: Date, weather: HookWeather, run: RunWeather): Date | undefined {
    for (const [index, task] of this.tasks.entries())
      if (task.state === 'active' && task.ended !== undefined && task.ended <= now)
        this.tasks[index] = { ...task, state: 'succeeded' };
    this.#settle(now);
    const situation = (facts: Situation['facts']): Situation => ({
      ...{ schedule: this.#schedule, standing: this.standing, now, facts, rules: this.#rules },
    });
    let decision = decide(situation(undefined));
    if (decision.step.kind === 'look')
      decision = decide(
        situation(
          weather.reachable
            ? { kind: 'seen', tasks: this.visible(now), busy: weather.busy ? ['a workflow'] : [] }
            : { kind: 'unreachable' },
        ),
      );
    assert.notEqual(decision.step.kind, 'look');
    if (decision.wake !== undefined) assert.ok(decision.wake > now, 'it would wake in the past');
    this.#mustRun(decision, now, weather);
    for (const { phase, first, last, count } of decision.unused)
      this.#record(now, { first, last, count, phase, reachable: weather.reachable });
    for (const { task } of decision.ended) this.toldTasks.add(task);
    let { standing } = decision;
    if (decision.step.kind === 'run') {
      const { slot, allowRunning } = decision.step.run;
      assert.ok(this.#isQuiet(now), 'it was enqueued while another one goes on');
      if (weather.busy && this.#rules.whenBusy !== 'run') assert.ok(allowRunning);
      this.recorded.set(slot.getTime(), 'begun');
      const task = this.#enqueue(slot, now, run, allowRunning);
      standing = withRun(standing, decision.step.run, task);
    }
    if (weather.crash) {
      this.#crashed = true;
      return undefined;
    }
    this.standing = standing;
    return decision.wake;
  }

  /** The tasks as the controller shows them at a time. */
  visible(now: Date): readonly SeenTask[] {
    return this.#planned
      .filter(({ gone }) => gone === undefined || gone > now)
      .map(({ task, end }) => (end !== undefined && end.at <= now ? end.as : task));
  }

  readonly #planned: {
    readonly task: SeenTask;
    readonly end?: { readonly at: Date; readonly as: SeenTask };
    readonly gone?: Date;
  }[] = [];

  #settle(now: Date): void {
    this.tasks.splice(0, this.tasks.length, ...this.visible(now));
  }

  #isQuiet(now: Date): boolean {
    const stale = this.#rules.runDeadline + 60 * minute;
    return !this.visible(now).some(
      ({ state, began }) => state === 'active' && now.getTime() - began.getTime() < stale,
    );
  }

  #enqueue(slot: Date, now: Date, { outcome, minutes }: RunWeather, allowRunning: boolean): string {
    const id = String(this.#planned.length + 1);
    const at = new Date(now.getTime() + minutes * minute);
    const task: SeenTask = {
      ...{ task: id, action: 'backup-control-plane', slot, state: 'active', began: now },
      ended: undefined,
    };
    const ended = { ...task, ended: at };
    if (outcome === 'vanished') this.#planned.push({ task, gone: at });
    else if (outcome === 'stuck') this.#planned.push({ task });
    else if (outcome === 'succeeded' || outcome === 'cancelled')
      this.#planned.push({ task, end: { at, as: { ...ended, state: outcome } } });
    else {
      const failure = outcome === 'busy' && allowRunning ? 'lasting' : outcome;
      this.#planned.push({ task, end: { at, as: { ...ended, state: 'failed', failure } } });
    }
    return id;
  }

  #record(
    now: Date,
    {
      first,
      last,
      count,
      phase,
      reachable,
    }: {
      readonly first: Date;
      readonly last: Date;
      readonly count: number;
      readonly phase: 'Skipped' | 'Missed';
      readonly reachable: boolean;
    },
  ): void {
    let slot: Date | undefined = first;
    let recorded = 0;
    for (; slot !== undefined && slot <= last; slot = this.#schedule.next(slot)) {
      const known = this.recorded.get(slot.getTime());
      const wasBusy = this.#planned.some(
        ({ task, end }) =>
          task.slot?.getTime() === slot?.getTime() && end !== undefined && didNothing(end.as),
      );
      const [own] = tasksOfSlot(this.visible(now), slot);
      if (!reachable) this.#unseen.add(slot.getTime());
      else assert.equal(own, undefined, `${slot.toISOString()} is ${phase} and has a run`);
      if (!this.#crashed && !wasBusy)
        assert.equal(known, undefined, `${slot.toISOString()} had a record: ${known ?? ''}`);
      if (known !== 'begun') this.recorded.set(slot.getTime(), phase);
      recorded++;
    }
    assert.equal(recorded, count);
  }

  /**
   * Whenever a hook comes within the start deadline and nothing stands in the way, the newest slot
   * is begun.
   */
  #mustRun(decision: Decision, now: Date, { reachable, busy }: HookWeather): void {
    const { startDeadline } = this.#rules;
    let newest: Date | undefined;
    for (
      let slot = this.#schedule.next(this.standing.accounted);
      slot !== undefined && slot.getTime() <= now.getTime() + minute;
      slot = this.#schedule.next(slot)
    )
      newest = slot;
    if (newest === undefined || !reachable || busy) return;
    if (now.getTime() > newest.getTime() + startDeadline) return;
    const tasks = this.visible(now);
    const of = newest.getTime();
    if (tasks.some(({ slot }) => slot?.getTime() === of)) return;
    if (coveringTask(tasks, newest) !== undefined) return;
    if (!this.#isQuiet(now) || this.#schedule.exclusions.remaining(now) > minute) return;
    assert.equal(decision.step.kind, 'run', `${newest.toISOString()} was not begun`);
  }

  /** The runs that did something, have ended by now, and of which no decision told. */
  untold(now: Date): readonly SeenTask[] {
    return this.visible(now).filter(
      (task) =>
        task.slot !== undefined &&
        !this.#unseen.has(task.slot.getTime()) &&
        !didNothing(task) &&
        !goesOn(task, now, this.#rules) &&
        !this.toldTasks.has(task.task),
    );
  }

  /** How many runs each slot got that did more than to find something at work. */
  runsOfSlots(now: Date): ReadonlyMap<number, number> {
    const runs = new Map<number, number>();
    for (const { task, end } of this.#planned) {
      if (task.slot === undefined || (end !== undefined && end.at <= now && didNothing(end.as)))
        continue;
      runs.set(task.slot.getTime(), (runs.get(task.slot.getTime()) ?? 0) + 1);
    }
    return runs;
  }
}

const didNothing = (task: SeenTask): boolean => foundBusy(task) || foundOccupied(task);
