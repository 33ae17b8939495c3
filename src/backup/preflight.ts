import type { Config } from '../config/config.ts';
import { CharmError, orProblem } from '../errors.ts';
import type { JujuModel, Kubernetes, Source, Target, World } from '../world.ts';
import { openConnections } from '../operation/connections.ts';
import { planApplications, type ApplicationPlan } from './applications.ts';
import { storageProblems } from '../operation/storage.ts';
import { findRunningWorkloads } from '../operation/running-workloads.ts';
import { settlePaths } from '../components/databases/paths.ts';
import { countText, listText } from '../text.ts';

export interface BackupRequest {
  /** Go on although something runs; the set then says so. */
  readonly allowRunning: boolean;
  /** Go on although a source bucket lost more than half of its objects. */
  readonly allowShrink: boolean;
  /** Take a path over that belongs to another model. */
  readonly takeOver: boolean;
  /** How long a database may take to gain or lose a unit. */
  readonly timeoutSeconds: number;
}

/** A backup that nothing stands in the way of. Disposing of it closes the connections. */
export interface ReadyBackup extends AsyncDisposable {
  readonly juju: JujuModel;
  readonly kubernetes: Kubernetes;
  readonly target: Target;
  readonly sources: readonly Source[];
  readonly plan: ApplicationPlan;
  /** What runs although the backup is allowed. */
  readonly running: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Looks at everything a backup needs and changes nothing in the model. Each problem goes into the action's log, none hides the next;
 * rejects with the only one, or with `preflight-failed` and all of them. Only when all else is well, databases that were handed a path at which they
 * cannot write are handed the right one, and that is `database-path-moved`.
 */
export const preflight = async (
  world: World,
  config: Config,
  request: BackupRequest,
): Promise<ReadyBackup> => {
  const connections = await openConnections(world, config);
  try {
    const { juju, kubernetes, target, sources } = connections;
    const problems = [...connections.problems, ...(await unfinishedProblems(world))];
    for await (const problem of storageProblems(world, target, sources, request.takeOver))
      problems.push(problem);
    const looked =
      juju &&
      (await orProblem(() => planApplications(world, config, juju, request.timeoutSeconds)));
    const applications = looked instanceof CharmError ? undefined : looked;
    problems.push(...(looked instanceof CharmError ? [looked] : (looked?.problems ?? [])));
    const found = kubernetes && (await orProblem(() => findRunningWorkloads(kubernetes)));
    const workloads = found instanceof CharmError ? undefined : found;
    if (found instanceof CharmError) problems.push(found);
    const running = workloads?.running ?? [];
    if (running.length > 0 && !request.allowRunning) problems.push(workloadsRunning(running));

    const refusing = applications?.refusing ?? [];
    if (problems.length > 0)
      throw await report(world, [...problems, ...refusing.map(({ problem }) => problem)]);
    if (
      juju === undefined ||
      kubernetes === undefined ||
      target === undefined ||
      applications === undefined
    ) {
      throw new TypeError('a connection that did not open has no problem to report');
    }
    const { plan } = applications;
    const moved = await settlePaths(world, target, [...plan.databases, ...refusing]);
    if (moved !== undefined) throw moved;
    const warnings = workloads?.warnings ?? [];
    return {
      juju,
      kubernetes,
      target,
      sources,
      plan,
      running,
      warnings,
      [Symbol.asyncDispose]: () => connections[Symbol.asyncDispose](),
    };
  } catch (error) {
    await connections[Symbol.asyncDispose]();
    throw error;
  }
};

/** A backup on top of a scale that was not put back would take the changed scale for the original. */
const unfinishedProblems = async ({ journal }: World): Promise<CharmError[]> =>
  (await journal.entries()).map(
    ({ application, scale, changedTo }) =>
      new CharmError(
        'scale-refused',
        `An interrupted operation left ${application} at ${countText(changedTo, 'unit')}, and it could not be put back to ${scale} yet.` +
          ` The charm tries again at each hook and action; by hand: juju scale-application ${application} ${scale}`,
      ),
  );

const workloadsRunning = (running: readonly string[]): CharmError =>
  new CharmError(
    'workloads-running',
    `${countText(running.length, 'workload')} would make the backup inconsistent: ${listText(running)}. Let them end and disable recurring` +
      ` runs, or back up all the same with allow-running=true; the set then says what was running.`,
  );

const report = async (
  { progress }: World,
  problems: readonly CharmError[],
): Promise<CharmError> => {
  const [first] = problems;
  if (first !== undefined && problems.length === 1) return first;
  for (const { message, code } of problems) await progress.note(`Problem: ${message} [${code}]`);
  const all = problems
    .map(({ message, code }, index) => `(${index + 1}) ${message} [${code}]`)
    .join(' ');
  return new CharmError(
    'preflight-failed',
    `${problems.length} problems keep a backup from being made, and nothing was changed: ${all}`,
  );
};
