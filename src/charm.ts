import type { Action } from './actions/action.ts';
import { actionNames, actions } from './actions/actions.ts';
import { argumentsOf } from './actions/arguments-of.ts';
import {
  ofTheRequest,
  outcome,
  rememberAttempt,
  unfinishedOutcome,
} from './actions/remember-attempt.ts';
import type { Config } from './config/config.ts';
import { lenientConfig } from './config/lenient-config.ts';
import {
  CharmError,
  errorCodes,
  expectedFailures,
  failureText,
  hasCode,
  orProblem,
  reasonOf,
  shortFailureText,
} from './errors.ts';
import type { CharmEvent } from './event.ts';
import { assess, jujuProblem } from './hooks/assess.ts';
import { endKilledSession } from './hooks/end-killed-session.ts';
import { finishUndo } from './hooks/finish-undo.ts';
import { catchUp, shareBackups } from './hooks/known-backups.ts';
import { markRunning, updateMetrics } from './hooks/metrics.ts';
import { reconcile, showStatus } from './hooks/reconcile.ts';
import { writeRelations } from './hooks/relations.ts';
import { statusText } from './hooks/status-text.ts';
import { toolsOfEvent } from './hooks/tools-of-event.ts';
import type { Unit } from './hooks/unit.ts';
import { unfinished } from './ports/journal.ts';
import type { HookTools, World } from './world.ts';

type ActionEvent = Extract<CharmEvent, { kind: 'action' }>;
type HookEvent = Extract<CharmEvent, { kind: 'hook' }>;

/** What main.ts puts together. */
export interface Charm extends Omit<Unit, 'openWorld'> {
  openWorld(config: Config, tools: HookTools, event: CharmEvent): Promise<World>;
}

/** The leader runs this one on the other units. */
const forOthers = 'work';

/**
 * Runs one hook or action. Here, and nowhere else, expected failures become a status or a failed
 * action; both let Juju commit what was written. Rejects for bugs only, and then nothing is
 * committed.
 */
export const handle = async (event: CharmEvent, charm: Charm): Promise<void> => {
  const tools = toolsOfEvent(charm.tools, event);
  const unit: Unit = {
    ...charm,
    tools,
    openWorld: (config) => charm.openWorld(config, tools, event),
  };
  await (event.kind === 'hook' ? runHook(unit, event) : runAction(unit, event, charm.unitName));
};

const runHook = async (unit: Unit, hook: HookEvent): Promise<void> => {
  try {
    await reconcile(unit, hook);
  } catch (error) {
    const failures = expectedFailures(error);
    if (failures === undefined) throw error;
    const passes = failures.every(({ code }) => errorCodes[code] === 'transient');
    await unit.tools.setStatus(
      { name: passes ? 'waiting' : 'blocked', message: textOf(failures) },
      'unit',
    );
  }
};

const textOf = ([first, ...others]: readonly CharmError[]): string =>
  first === undefined ? '' : statusText(first, others.length);

const runAction = async (unit: Unit, event: ActionEvent, unitName: string): Promise<void> => {
  const { tools } = unit;
  try {
    const results = await perform(unit, event, unitName);
    await tools.actionSet({ ...results, ...outcome(event.name, 'complete') });
  } catch (error) {
    const failures = expectedFailures(error);
    if (failures === undefined) {
      // Only the bug is reported. What else fails because of it would hide it.
      await settle(unit, event, []);
      throw error;
    }
    await tools.actionSet({
      ...{ ...failures[0]?.results, 'error-code': failures[0]?.code ?? '' },
      ...(hasCode(failures[0], 'not-leader') ? {} : outcome(event.name, 'failed')),
    });
    const text = shortFailureText(failures);
    if (text !== failureText(failures))
      for (const failure of failures)
        await tools.actionLog(`In full: ${failureText([failure])}`).catch(() => undefined);
    await tools.actionFail(text);
    if (!failures.some(({ code }) => code === 'not-leader')) await settle(unit, event, failures);
    return;
  }
  await settle(unit, event, []);
};

const perform = async (
  unit: Unit,
  { name, task }: ActionEvent,
  unitName: string,
): ReturnType<Action> => {
  const { tools, application } = unit;
  const load = actions[name];
  if (load === undefined)
    throw new CharmError(
      'parameter-invalid',
      `This revision of the charm has no action ${name}; it has ${actionNames.join(', ')}.`,
    );
  const parameters = await tools.actionParameters();
  if (name !== forOthers && !(await tools.isLeader()))
    throw new CharmError(
      'not-leader',
      `${unitName} is not the leader, and only the leader acts. Nothing was changed. Run: juju run ${[`${application}/leader`, name, ...argumentsOf(parameters)].join(' ')}`,
    );
  // First, what a killed action left is put back. If that fails, the preflight decides what it
  // means.
  const left = await orProblem(() => unit.journal.entries());
  if (!(left instanceof CharmError))
    for (const problem of await finishUndo(unit, left))
      await tools.actionLog(failureText([problem])).catch(() => undefined);
  const { config, problems } = lenientConfig(await tools.config(), application);
  await endKilledSession(unit, config);
  const wrongOptions = [...problems.values()];
  if (wrongOptions.length > 0 && name !== 'check') throw oneOf(wrongOptions);
  const [action, world] = await Promise.all([load(), unit.openWorld(config)]);
  const run = () => action(world, config, parameters, wrongOptions);
  // Juju keeps this result also when the task is killed and Juju itself says only "terminated".
  await tools.actionSet(outcome(name, unfinishedOutcome(application)));
  await catchUp(unit);
  if (name === 'backup-control-plane')
    return rememberAttempt(unit, task, async (at) => {
      await markRunning(unit, at);
      return run();
    });
  const results = await run();
  const { lookForNewestSet } = await import('./actions/newest-set.ts');
  await lookForNewestSet(unit.journal, world);
  return results;
};

const oneOf = (failures: readonly CharmError[]): unknown =>
  failures.length === 1 ? failures[0] : new AggregateError(failures);

/**
 * Replaces the status that the action's progress left. A failure here does not change the action's
 * result: the next hook sets the status again.
 */
const settle = async (
  unit: Unit,
  event: ActionEvent,
  failures: readonly CharmError[],
): Promise<void> => {
  try {
    await showAfterAction(unit, event, failures);
  } catch (error) {
    await unit.tools.log('WARNING', reasonOf(error)).catch(() => undefined);
  }
};

/**
 * The problems that the action found stay visible until the next hook looks; so does a scale that
 * has to be put back.
 */
const showAfterAction = async (
  unit: Unit,
  { name, task }: ActionEvent,
  failures: readonly CharmError[],
): Promise<void> => {
  const assessed = await assess(unit);
  const { config, optionProblems, journal } = assessed;
  // The journal took over what the other units know before the action began, so it knows best now.
  const assessment = journal instanceof CharmError ? assessed : { ...assessed, known: journal };
  // Juju keeps this once the process has exited with status 0, and it does so also when the action
  // failed.
  const { leader } = assessment;
  if (leader) {
    await shareBackups(unit.tools, assessment);
    // Only a unit whose relations hold what they should says that it is ready.
    await writeRelations(unit, assessment);
  }
  const unset = optionProblems.has('juju-credentials')
    ? undefined
    : await jujuProblem(unit, config, async () => false);
  const left = journal instanceof CharmError ? [] : journal.unfinished;
  const hasBackedUpVolumes =
    name === 'backup-volumes' &&
    failures.length === 0 &&
    !(await unit.tools.actionParameters())['volumes'];
  const found = failures
    .flatMap((failure) => (failure.problems.length > 0 ? failure.problems : [failure]))
    .filter(({ code }) => !ofTheRequest.has(code))
    .map((failure) => pointingTo(failure, task));
  const { schedulesAfterAction } = await import('./hooks/schedules.ts');
  await showStatus(
    unit,
    assessment,
    [...(left.length > 0 ? [unfinished(left)] : []), ...(unset === undefined ? [] : [unset])],
    {
      action: found,
      ...(leader && (await schedulesAfterAction(unit, config, { hasBackedUpVolumes }))),
    },
  );
  await updateMetrics(unit, { assessment, action: { name, failures } });
};

/** When the status has no command for the problem, the task's log explains it. */
const pointingTo = (failure: CharmError, task: string): CharmError =>
  failure.brief === undefined && task !== ''
    ? new CharmError(failure.code, failure.message, {
        cause: failure,
        brief: { what: failure.message, run: `juju show-task ${task}` },
      })
    : failure;
