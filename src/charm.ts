import type { Action } from './actions/action.ts';
import type { Config } from './config/config.ts';
import { lenientConfig } from './config/lenient-config.ts';
import {
  CharmError,
  type ErrorCode,
  errorCodes,
  expectedFailures,
  failureText,
  orProblem,
  reasonOf,
  shortFailureText,
} from './errors.ts';
import type { CharmEvent } from './event.ts';
import { assess, jujuProblem } from './hooks/assess.ts';
import { finishUndo } from './hooks/finish-undo.ts';
import { reconcile, showStatus } from './hooks/reconcile.ts';
import { statusText } from './hooks/status-text.ts';
import type { Unit } from './hooks/unit.ts';
import { unfinished } from './operation/put-back.ts';
import type { Attempt, HookTools, World } from './world.ts';

type ActionEvent = Extract<CharmEvent, { kind: 'action' }>;
type HookEvent = Extract<CharmEvent, { kind: 'hook' }>;

/** What main.ts puts together. */
export interface Charm extends Omit<Unit, 'openWorld'> {
  readonly unitName: string;
  openWorld(config: Config, tools: HookTools, event: CharmEvent): Promise<World>;
}

/** Each action of actions.yaml, with its module, which is loaded only for it. */
const actions: Readonly<Record<string, () => Promise<Action>>> = {
  'backup-control-plane': async () =>
    (await import('./actions/backup-control-plane.ts')).backupControlPlane,
  assurance: async () => (await import('./actions/assurance.ts')).assurance,
  check: async () => (await import('./actions/check.ts')).check,
  'restore-control-plane': async () =>
    (await import('./actions/restore-control-plane.ts')).restoreControlPlane,
  'list-backups': async () => (await import('./actions/list-backups.ts')).listBackups,
  'list-sessions': async () => (await import('./actions/list-sessions.ts')).listSessions,
  'show-session': async () => (await import('./actions/show-session.ts')).showSession,
  'verify-backup': async () => (await import('./actions/verify-backup.ts')).verifyBackup,
  'delete-backup': async () => (await import('./actions/delete-backup.ts')).deleteBackup,
  prune: async () => (await import('./actions/prune.ts')).prune,
  'backup-volumes': async () => (await import('./actions/backup-volumes.ts')).backupVolumes,
  'list-volumes': async () => (await import('./actions/list-volumes.ts')).listVolumes,
  'list-volume-backups': async () =>
    (await import('./actions/list-volume-backups.ts')).listVolumeBackups,
  'restore-volume': async () => (await import('./actions/restore-volume.ts')).restoreVolume,
};

export const actionNames: readonly string[] = Object.keys(actions);

/**
 * Runs one hook or action. Here, and nowhere else, expected failures become a status or a failed
 * action; both let Juju commit what was written. Rejects for bugs only, and then nothing is
 * committed.
 */
export const handle = async (event: CharmEvent, charm: Charm): Promise<void> => {
  const tools = withoutBrokenRelation(charm.tools, event);
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
    await tools.actionSet(await perform(unit, event, unitName));
  } catch (error) {
    const failures = expectedFailures(error);
    if (failures === undefined) {
      // Further failures must not hide the bug.
      await settle(unit, []);
      throw error;
    }
    await tools.actionSet({ ...failures[0]?.results, 'error-code': failures[0]?.code ?? '' });
    const text = shortFailureText(failures);
    if (text !== failureText(failures))
      for (const failure of failures)
        await tools.actionLog(`In full: ${failureText([failure])}`).catch(() => undefined);
    await tools.actionFail(text);
    if (!failures.some(({ code }) => code === 'not-leader')) await settle(unit, failures);
    return;
  }
  await settle(unit, []);
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
  if (!(await tools.isLeader()))
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
  const wrongOptions = [...problems.values()];
  if (wrongOptions.length > 0 && name !== 'check') throw oneOf(wrongOptions);
  const [action, world] = await Promise.all([load(), unit.openWorld(config)]);
  const run = () => action(world, config, parameters, wrongOptions);
  return name === 'backup-control-plane' ? remembering(unit, task, run) : run();
};

/**
 * Notes in the journal how a backup ended, for the status. A failure to do so does not stop the
 * backup.
 */
const remembering = async <T>(
  { journal, now }: Unit,
  task: string,
  backUp: () => Promise<T>,
): Promise<T> => {
  const before = await orProblem(() => journal.lastAttempt());
  const at = now().toISOString();
  const note = (attempt: Attempt | undefined) => orProblem(() => journal.setLastAttempt(attempt));
  await note({ at, task, outcome: 'begun' });
  try {
    const result = await backUp();
    await note({ at, task, outcome: 'succeeded' });
    return result;
  } catch (error) {
    const code = expectedFailures(error)?.[0]?.code;
    if (code !== undefined && code !== 'interrupted' && ofTheRequest.has(code)) {
      // This backup was not begun, so the note of the last one stays.
      await note(before instanceof CharmError ? undefined : before);
    } else await note({ at, task, outcome: 'failed', ...(code !== undefined && { code }) });
    throw error;
  }
};

const oneOf = (failures: readonly CharmError[]): unknown =>
  failures.length === 1 ? failures[0] : new AggregateError(failures);

/** Parameters that only the schedule sets. */
const ownParameters = ['slot', 'attempt'];

/**
 * The parameters as an operator types them. Empty defaults that Juju has filled in are left out.
 */
const argumentsOf = (parameters: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.entries(parameters).flatMap(([name, value]) => {
    const text = String(value);
    if (value === false || text === '' || ownParameters.includes(name)) return [];
    return [`${name}=${/^[\w.:,/@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`}`];
  });

/**
 * Replaces the status that the action's progress left. A failure here does not change the action's
 * result: the next hook sets the status again.
 */
const settle = async (unit: Unit, failures: readonly CharmError[]): Promise<void> => {
  try {
    await showAfterAction(unit, failures);
  } catch (error) {
    await unit.tools.log('WARNING', reasonOf(error)).catch(() => undefined);
  }
};

/**
 * The problems that the action found stay visible until the next hook looks; so does a scale that
 * has to be put back.
 */
const showAfterAction = async (unit: Unit, failures: readonly CharmError[]): Promise<void> => {
  const assessment = await assess(unit);
  const { config, optionProblems, journal } = assessment;
  const unset = optionProblems.has('juju-credentials')
    ? undefined
    : await jujuProblem(unit, config, async () => false);
  const left = journal instanceof CharmError ? [] : journal.unfinished;
  const found = failures
    .flatMap((failure) => (failure.problems.length > 0 ? failure.problems : [failure]))
    .filter(({ code }) => !ofTheRequest.has(code));
  await showStatus(
    unit,
    assessment,
    [...(left.length > 0 ? [unfinished(left)] : []), ...(unset === undefined ? [] : [unset])],
    { action: found },
  );
};

/**
 * These codes are about the request, or about another operation that runs now, and not about the
 * state of the charm.
 */
const ofTheRequest: ReadonlySet<ErrorCode> = new Set([
  'parameter-invalid',
  'not-leader',
  'backup-missing',
  'backup-protected',
  'backup-running',
  'workloads-running',
  'database-path-moved',
  'interrupted',
  'set-damaged',
  'volumes-off',
  'volumes-failed',
  'volume-missing',
  'volume-in-use',
  'volume-not-started',
  'volume-command-failed',
  'volume-backup-missing',
]);

/**
 * While the last hook of a relation runs, Juju still lists it. Here it counts as gone. Each
 * endpoint is asked for once.
 */
const withoutBrokenRelation = (tools: HookTools, event: CharmEvent): HookTools => {
  const broken =
    event.kind === 'hook' && event.name.endsWith('-relation-broken') ? event.relationId : undefined;
  const known = new Map<string, Promise<readonly string[]>>();
  const ask = async (endpoint: string): Promise<readonly string[]> =>
    (await tools.relationIds(endpoint)).filter((id) => id !== broken);
  return {
    ...tools,
    relationIds: (endpoint) => {
      const ids = known.get(endpoint) ?? ask(endpoint);
      known.set(endpoint, ids);
      return ids;
    },
  };
};
