import type { Config, ScheduleConfig } from '../config/config.ts';
import { CharmError, orProblem } from '../errors.ts';
import type { CharmEvent } from '../event.ts';
import { decide, withRun } from '../schedule/decide.ts';
import type { Decision, Situation, Waiting } from '../schedule/decision.ts';
import { secondText } from '../sessions/session.ts';
import type { World } from '../world.ts';
import { peerRelation } from './known-backups.ts';
import { type ScheduleMemory, recallSchedule, rememberSchedule } from './schedule-memory.ts';
import { recordDecision } from './schedule-records.ts';
import type { Unit } from './unit.ts';

type Hook = Extract<CharmEvent, { kind: 'hook' }>;

/** How the schedule stands, for the status. */
export interface ScheduleReport {
  readonly paused: boolean;
  readonly next?: Date | undefined;
  readonly waiting?: Waiting | undefined;
  readonly problem?: CharmError | undefined;
  readonly failed?: ScheduleMemory['failed'];
}

const alarm = 'schedule';
/** Milliseconds that the controller may take to let us in. */
const hurry = 10_000;

/** After these hooks there may be no schedule any more where there was one before. */
const afterChanges = ['config-changed', 'secret-expired', 'leader-elected', 'upgrade-charm'];

/**
 * Keeps the schedule, in every hook of the leader. It decides what is due, enqueues it as our own
 * action, so that it is a task like any other, and sets an alarm for the next slot. It makes no
 * difference when the alarm comes early, late, twice or never. Undefined without a schedule.
 */
export const keepSchedule = async (
  unit: Unit,
  hook: Hook,
  config: Config,
): Promise<ScheduleReport | undefined> => {
  const { schedule } = config;
  if (schedule === undefined || schedule.paused) {
    if (afterChanges.includes(hook.name)) await forgetSchedule(unit);
    return schedule && { paused: true };
  }
  const relationId = await peerRelation(unit.tools);
  // Juju makes the peer relation before the hook `install`, and in an upgraded model a moment after
  // the upgrade.
  if (relationId === undefined) return { paused: false };
  const world = await unit.openWorld(config);
  const known = await recallSchedule(unit.tools, relationId, unit.application);
  const kept = await orProblem(() => step(unit, world, { config, schedule, known }));
  if (kept instanceof CharmError) return { paused: false, problem: kept };
  const { memory, report } = kept;
  if (memory.wake?.getTime() !== known?.wake?.getTime() || hook.name === 'secret-expired')
    await unit.tools.setAlarm(alarm, memory.wake);
  await rememberSchedule(unit.tools, relationId, memory);
  return report;
};

/**
 * How the schedule stands for the status after an action, which decides nothing. Undefined without
 * a schedule.
 */
export const scheduleAfterAction = async (
  { tools, application, modelUuid, now }: Unit,
  { schedule }: Config,
): Promise<ScheduleReport | undefined> => {
  if (schedule === undefined || schedule.paused) return schedule && { paused: true };
  const relationId = await peerRelation(tools);
  const known = relationId && (await recallSchedule(tools, relationId, application));
  const { openSchedule } = await import('../schedule/schedule.ts');
  const next = await orProblem(async () =>
    openSchedule({ ...schedule, modelUuid, application }, now()).next(now()),
  );
  const found = next instanceof CharmError ? { problem: next } : { next };
  return { paused: false, ...found, ...(known && { failed: known.failed }) };
};

const forgetSchedule = async ({ tools, application }: Unit): Promise<void> => {
  const relationId = await peerRelation(tools);
  if (relationId === undefined) return;
  if ((await recallSchedule(tools, relationId, application)) === undefined) return;
  await tools.setAlarm(alarm, undefined);
  await rememberSchedule(tools, relationId, undefined);
};

const step = async (
  unit: Unit,
  world: World,
  {
    config,
    schedule: options,
    known,
  }: {
    readonly config: Config;
    readonly schedule: ScheduleConfig;
    readonly known: ScheduleMemory | undefined;
  },
): Promise<{ readonly memory: ScheduleMemory; readonly report: ScheduleReport }> => {
  const now = world.clock.now();
  const { openSchedule } = await import('../schedule/schedule.ts');
  const { application, modelUuid } = unit;
  const schedule = openSchedule({ ...options, modelUuid, application }, now);
  const fingerprint = [options.pattern, options.timezone, options.exclude].join(' | ');
  const standing = known?.options === fingerprint ? known : { accounted: now };
  const situation: Situation = {
    ...{ schedule, standing, now },
    facts: undefined,
    rules: {
      ...{ startDeadline: options.startDeadline, runDeadline: config.runDeadline },
      ...{ whenBusy: options.whenBusy, retries: options.retries },
    },
  };
  const first = decide(situation);
  const { decision, memory, problem } =
    first.step.kind === 'look'
      ? await lookAndAct(unit, world, situation)
      : { decision: first, memory: first.standing, problem: undefined };
  for (const session of await recordDecision(world, decision, now))
    await (await import('../notify/tell.ts')).tellOfSession(world, session);
  const failed = failedRun(decision, known);
  return {
    memory: {
      ...{ ...memory, options: fingerprint },
      ...(decision.wake && { wake: decision.wake }),
      ...(failed && { failed }),
    },
    report: {
      ...{ paused: false, problem, failed, next: schedule.next(now) },
      waiting: decision.step.kind === 'wait' ? decision.step.why : undefined,
    },
  };
};

const lookAndAct = async (
  unit: Unit,
  world: World,
  situation: Situation,
): Promise<{
  readonly decision: Decision;
  readonly memory: Decision['standing'];
  readonly problem: CharmError | undefined;
}> => {
  const seen = await orProblem(async () => {
    await using juju = await world.openJuju({ hurry });
    const { seeFacts } = await import('./schedule-facts.ts');
    const decision = decide({
      ...situation,
      facts: await seeFacts(world, juju, unit.application),
    });
    if (decision.step.kind !== 'run') return { decision, memory: decision.standing };
    const { run } = decision.step;
    const task = await juju.enqueue(world.unit, 'backup-control-plane', {
      ...{ slot: secondText(run.slot), attempt: run.attempt, 'allow-running': run.allowRunning },
    });
    await unit.tools.log('INFO', `The backup of ${secondText(run.slot)} is task ${task}.`);
    return { decision, memory: withRun(decision.standing, run, task) };
  });
  if (!(seen instanceof CharmError)) return { ...seen, problem: undefined };
  const decision = decide({ ...situation, facts: { kind: 'unreachable' } });
  return { decision, memory: decision.standing, problem: seen };
};

/** The scheduled run that failed last. It is forgotten when a later run begins or succeeds. */
const failedRun = (
  { ended, step: { kind } }: Decision,
  known: ScheduleMemory | undefined,
): ScheduleMemory['failed'] => {
  if (kind === 'run' || ended?.state === 'succeeded') return undefined;
  if (ended === undefined || ended.retryAt !== undefined) return known?.failed;
  return ended.state === 'cancelled' ? undefined : { slot: ended.slot, task: ended.task };
};
