import { isDeepStrictEqual } from 'node:util';
import type { Config, ScheduleConfig } from '../config/config.ts';
import { CharmError, orProblem } from '../errors.ts';
import type { CharmEvent } from '../event.ts';
import { decide, withRun } from '../schedule/decide.ts';
import type { Decision, Situation, Waiting } from '../schedule/decision.ts';
import { secondText } from '../text.ts';
import type { World } from '../world.ts';
import { peerRelation } from './known-backups.ts';
import { type ScheduleMemory, recallSchedule, rememberSchedule } from './schedule-memory.ts';
import type { ScheduledWork } from './scheduled-work.ts';
import type { Unit } from './unit.ts';

type Hook = Extract<CharmEvent, { kind: 'hook' }>;

/** How the schedule stands, for the status. */
export interface ScheduleReport {
  readonly paused: boolean;
  readonly next?: Date | undefined;
  readonly waiting?: Waiting | undefined;
  readonly problem?: CharmError | undefined;
  readonly failed?: ScheduleMemory['failed'];
  /** Slots that got no run since the last one was begun. */
  readonly missed?: number | undefined;
}

/** Milliseconds that the controller may take to let us in. */
const hurry = 10_000;

/** After these hooks there may be no schedule any more where there was one before. */
const afterChanges = ['config-changed', 'secret-expired', 'leader-elected', 'upgrade-charm'];

/**
 * Keeps a schedule, in every hook of the leader. It decides what is due, enqueues it as our own
 * action, so that it is a task like any other, and sets an alarm for the next slot. It makes no
 * difference when the alarm comes early, late, twice or never. Undefined without a schedule.
 */
export const keepSchedule = async (
  unit: Unit,
  hook: Hook,
  config: Config,
  work: ScheduledWork,
): Promise<ScheduleReport | undefined> => {
  const schedule = work.configOf(config);
  if (schedule === undefined || schedule.paused) {
    if (afterChanges.includes(hook.name)) await forgetSchedule(unit, work);
    return schedule && { paused: true };
  }
  const relationId = await peerRelation(unit.tools);
  // Juju makes the peer relation before the hook `install`, and in an upgraded model a moment after
  // the upgrade.
  if (relationId === undefined) return { paused: false };
  const { application } = unit;
  const key = work.option;
  const known = await recallSchedule(unit.tools, relationId, { application, key });
  const kept = await orProblem(() => step(unit, { work, config, schedule, known }));
  if (kept instanceof CharmError) return { paused: false, problem: kept };
  const { memory, report } = kept;
  if (memory.wake?.getTime() !== known?.wake?.getTime() || hook.name === 'secret-expired')
    await unit.tools.setAlarm(key, memory.wake);
  // Most hooks change nothing.
  if (!isDeepStrictEqual(memory, known))
    await rememberSchedule(unit.tools, relationId, { key, memory });
  return report;
};

/**
 * How the schedule stands for the status after an action, which decides nothing. Undefined without
 * a schedule.
 */
export const scheduleAfterAction = async (
  { tools, application, modelUuid, now }: Unit,
  config: Config,
  { option, configOf }: ScheduledWork,
): Promise<ScheduleReport | undefined> => {
  const schedule = configOf(config);
  if (schedule === undefined || schedule.paused) return schedule && { paused: true };
  const relationId = await peerRelation(tools);
  const known =
    relationId && (await recallSchedule(tools, relationId, { application, key: option }));
  const { openSchedule } = await import('../schedule/schedule.ts');
  const next = await orProblem(async () =>
    openSchedule({ ...schedule, option, modelUuid, application }, now()).next(now()),
  );
  const found = next instanceof CharmError ? { problem: next } : { next };
  return {
    ...{ paused: false, ...found },
    ...(known && { failed: known.failed, missed: known.missed }),
  };
};

const forgetSchedule = async (
  { tools, application }: Unit,
  { option: key }: ScheduledWork,
): Promise<void> => {
  const relationId = await peerRelation(tools);
  if (relationId === undefined) return;
  if ((await recallSchedule(tools, relationId, { application, key })) === undefined) return;
  await tools.setAlarm(key, undefined);
  await rememberSchedule(tools, relationId, { key, memory: undefined });
};

const step = async (
  unit: Unit,
  {
    work,
    config,
    schedule: options,
    known,
  }: {
    readonly work: ScheduledWork;
    readonly config: Config;
    readonly schedule: ScheduleConfig;
    readonly known: ScheduleMemory | undefined;
  },
): Promise<{ readonly memory: ScheduleMemory; readonly report: ScheduleReport }> => {
  const now = unit.now();
  const { openSchedule } = await import('../schedule/schedule.ts');
  const { application, modelUuid } = unit;
  const schedule = openSchedule({ ...options, option: work.option, modelUuid, application }, now);
  const fingerprint = [options.pattern, options.timezone, options.exclude].join(' | ');
  const standing = known?.options === fingerprint ? known : { accounted: now };
  const situation: Situation = {
    ...{ schedule, standing, now },
    facts: undefined,
    rules: {
      ...{ startDeadline: options.startDeadline, runDeadline: config.runDeadline },
      hasDeadline: work.hasDeadline,
      ...{ whenBusy: options.whenBusy, retries: options.retries },
    },
  };
  const first = decide(situation);
  const { decision, memory, problem } =
    first.step.kind === 'look'
      ? await lookAndAct(unit, await unit.openWorld(config), { situation, work })
      : { decision: first, memory: first.standing, problem: undefined };
  const unsent = await record(unit, config, { work, decision, unsent: known?.unsent ?? [] });
  const failed = failedRun(decision, known);
  const missed = missedSlots(decision, known);
  return {
    memory: {
      ...{ ...memory, options: fingerprint },
      ...(decision.wake && { wake: decision.wake }),
      ...(failed && { failed }),
      ...(missed > 0 && { missed }),
      ...(unsent.length > 0 && { unsent }),
    },
    report: {
      ...{ paused: false, problem, failed, missed, next: schedule.next(now) },
      waiting: decision.step.kind === 'wait' ? decision.step.why : undefined,
    },
  };
};

const lookAndAct = async (
  unit: Unit,
  world: World,
  { situation, work }: { readonly situation: Situation; readonly work: ScheduledWork },
): Promise<{
  readonly decision: Decision;
  readonly memory: Decision['standing'];
  readonly problem: CharmError | undefined;
}> => {
  const seen = await orProblem(async () => {
    await using juju = await world.openJuju({ hurry });
    const decision = decide({
      ...situation,
      facts: await work.see(world, juju, unit.application),
    });
    if (decision.step.kind !== 'run') return { decision, memory: decision.standing };
    const { run } = decision.step;
    const task = await juju.enqueue(world.unit, work.action, work.parameters(run));
    await unit.tools.log('INFO', `The ${work.noun} of ${secondText(run.slot)} is task ${task}.`);
    return { decision, memory: withRun(decision.standing, run, task) };
  });
  if (!(seen instanceof CharmError)) return { ...seen, problem: undefined };
  const decision = decide({ ...situation, facts: { kind: 'unreachable' } });
  return { decision, memory: decision.standing, problem: seen };
};

/** Most decisions are to wait, and leave nothing to record. Then nothing is loaded for it. */
const record = async (
  unit: Unit,
  config: Config,
  {
    work,
    decision,
    unsent,
  }: {
    readonly work: ScheduledWork;
    readonly decision: Decision;
    readonly unsent: NonNullable<ScheduleMemory['unsent']>;
  },
): Promise<NonNullable<ScheduleMemory['unsent']>> => {
  if (decision.unused.length + unsent.length + decision.ended.length === 0) return [];
  return work.record(await unit.openWorld(config), decision, unsent);
};

const missedSlots = (
  { unused, step: { kind } }: Decision,
  known: ScheduleMemory | undefined,
): number => {
  const before = kind === 'run' ? 0 : (known?.missed ?? 0);
  return unused
    .filter(({ phase }) => phase === 'Missed')
    .reduce((missed, { count }) => missed + count, before);
};

/** The scheduled run that failed last. It is forgotten when a later run begins or succeeds. */
const failedRun = (
  { ended, step: { kind } }: Decision,
  known: ScheduleMemory | undefined,
): ScheduleMemory['failed'] => {
  if (kind === 'run') return undefined;
  let failed = known?.failed;
  for (const { slot, task, state, retryAt } of ended)
    if (state === 'succeeded' || state === 'cancelled') failed = undefined;
    else if (state !== 'skipped' && retryAt === undefined) failed = { slot, task };
  return failed;
};
