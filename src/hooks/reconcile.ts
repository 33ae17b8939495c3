import { CharmError, orProblem } from '../errors.ts';
import type { CharmEvent } from '../event.ts';
import type { Session } from '../sessions/session.ts';
import { type Assessment, assess, jujuProblem } from './assess.ts';
import { endKilledSession } from './end-killed-session.ts';
import { finishUndo } from './finish-undo.ts';
import { shareBackups } from './known-backups.ts';
import { forgetMetrics, keepMetrics } from './metrics.ts';
import { writeRelations } from './relations.ts';
import type { ScheduleReports } from './schedules.ts';
import { statusOf } from './status.ts';
import type { Unit } from './unit.ts';

/*
 * This folder is what every hook does: it brings relations, schedule and status in line with the
 * present state.
 */

type Hook = Extract<CharmEvent, { kind: 'hook' }>;

/**
 * What every hook does: looks at options and relations, finishes an interrupted undo, writes what
 * the relations should hold, and sets the status. It depends on the present state and not on which
 * hook it is, so the order of events does not matter.
 */
export const reconcile = async (unit: Unit, hook: Hook): Promise<void> => {
  const [assessment, shown] = await Promise.all([
    assess(unit),
    hook.name === 'update-status' ? unit.tools.unitStatus() : undefined,
  ]);
  const { journal } = assessment;
  // Most hooks are `update-status` of a unit that is active. Whatever made it active has written
  // what the relations should hold, and what changes that comes with a hook of its own.
  const isSettled =
    shown?.name === 'active' && !(journal instanceof CharmError) && journal.unfinished.length === 0;
  const left = journal instanceof CharmError ? [] : await finishUndo(unit, journal.unfinished);
  await endKilledSession(unit, assessment.config);
  if (assessment.leader) {
    if (!isSettled) await writeRelations(unit, assessment, hook);
    if (hook.name === 'secret-remove') await removeRevision(unit, hook);
    // When juju refresh comes in the middle of an action, the pod may be replaced without a hook
    // upgrade-charm.
    if (['install', 'upgrade-charm', 'start'].includes(hook.name))
      await unit.tools.setWorkloadVersion(unit.version);
  }
  if (hook.name === 'stop' || hook.name === 'remove') {
    // The last chance to report it.
    for (const { message } of left) await unit.tools.log('ERROR', message);
    // On Kubernetes a unit stops whenever its pod is replaced, and goes on in the next one.
    await (hook.name === 'remove' ? forgetMetrics(unit) : unit.exporter.stop());
    return;
  }
  const { leader } = assessment;
  // The other units do not know yet of a backup that was killed.
  if (leader) await shareBackups(unit.tools, assessment);
  const schedules = await schedulesOf(unit, hook, assessment);
  if (!(journal instanceof CharmError)) await sendSessions(unit, hook, assessment);
  const controller = left.length > 0 ? left : await atController(unit, assessment, isSettled);
  await showStatus(unit, assessment, controller, schedules);
  // S3 may be asked here, which can take long, so the status does not wait for it.
  const metrics = await keepMetrics(unit, hook, { assessment, controller });
  if (metrics !== undefined)
    await showStatus(unit, assessment, controller, { ...schedules, metrics });
};

/** Without a schedule nothing is loaded for it in `update-status`. */
const schedulesOf = async (
  unit: Unit,
  hook: Hook,
  assessment: Assessment,
): Promise<ScheduleReports> => {
  const { schedule, volumesSchedule } = assessment.config;
  const hasNone = schedule === undefined && volumesSchedule === undefined;
  if (hasNone && hook.name === 'update-status') return {};
  const { keepSchedules } = await import('./schedules.ts');
  return keepSchedules(unit, hook, assessment);
};

/**
 * Juju runs the hook secret-remove when nobody reads a revision of our own secret any more, and
 * keeps the revision until its owner removes it. One that stays harms nothing.
 */
const removeRevision = async ({ tools }: Unit, { secret }: Hook): Promise<void> => {
  if (secret === undefined) return;
  const problem = await orProblem(() => tools.removeSecret(secret.id, secret.revision));
  if (problem instanceof CharmError) await tools.log('WARNING', problem.message);
};

/** In these hooks the leader looks for runs of units that are gone. */
const afterAbsence = ['leader-elected'];

/**
 * Sends to S3 the records that it could not take when a run ended, and those of killed runs. When
 * there are none, nothing is loaded.
 */
const sendSessions = async (
  unit: Unit,
  hook: Hook,
  { leader, config, location }: Assessment,
): Promise<void> => {
  const looks = leader && afterAbsence.includes(hook.name) && !(location instanceof CharmError);
  if (!looks && (await unit.journal.sessions()).length === 0) return;
  const [sessions, { tellOfSession }] = await Promise.all([
    import('../sessions/deliver.ts'),
    import('../notify/tell.ts'),
  ]);
  const problem = await orProblem(async () => {
    const world = await unit.openWorld(config);
    const options = {
      patience: sessions.patienceInHooks,
      told: (session: Session) => tellOfSession(world, session),
    };
    const unsent = await sessions.deliverSessions(world, options);
    return unsent ?? (looks ? await sessions.settleVanished(world, options) : undefined);
  });
  if (problem instanceof CharmError)
    await unit.tools.log('WARNING', `Records of runs are sent to S3 later: ${problem.message}`);
};

/** Sets the status from the assessment and from what is known of the controller. */
export const showStatus = async (
  unit: Unit,
  assessment: Assessment,
  controller: readonly CharmError[],
  {
    action = [],
    metrics,
    ...schedules
  }: {
    readonly action?: readonly CharmError[];
    readonly metrics?: string | undefined;
  } & ScheduleReports = {},
): Promise<void> => {
  const { leader, optionProblems, notifyProblem, trustProblem, journal, known } = assessment;
  const status = statusOf({
    ...{ controller, action, metrics, ...schedules },
    application: unit.application,
    journal: problemOf(journal),
    options: [...optionProblems.values(), ...(notifyProblem === undefined ? [] : [notifyProblem])],
    trust: trustProblem,
    s3: problemOf(assessment.location),
    objectStorage: assessment.objectStorageProblem,
    ...known,
  });
  await Promise.all([
    unit.tools.setStatus(status, 'unit'),
    leader ? unit.tools.setStatus(status, 'application') : undefined,
  ]);
};

/**
 * Only the leader runs actions. When it is settled it only reads the secret, because revoking a
 * grant causes no hook.
 */
const atController = async (
  unit: Unit,
  { leader, config, optionProblems }: Assessment,
  isSettled: boolean,
): Promise<readonly CharmError[]> => {
  if (!leader || optionProblems.has('juju-credentials')) return [];
  const problem = await jujuProblem(unit, config, async () => !isSettled);
  return problem === undefined ? [] : [problem];
};

const problemOf = (found: unknown): CharmError | undefined =>
  found instanceof CharmError ? found : undefined;
