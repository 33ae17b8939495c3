import { openConnections } from '../backup/connections.ts';
import { startHeartbeat } from '../backup/heartbeat.ts';
import { layoutOf, type Layout } from '../backup/layout.ts';
import type { BackupManifest } from '../backup/manifest.ts';
import { storageProblems } from '../backup/preflight/storage.ts';
import { findRunningWorkloads } from '../backup/running-workloads.ts';
import { countText, listText } from '../backup/wording.ts';
import type { Config } from '../config.ts';
import { CharmError, orProblem } from '../errors.ts';
import type { JujuModel, Kubernetes, Source, Target, World } from '../world.ts';
import { planApplications, type ApplicationPlan } from './preflight/applications.ts';
import { mlmdProblems } from './preflight/mlmd.ts';
import { componentsOf, findSet, requestProblems } from './preflight/set.ts';
import { openSources, sourceProblems } from './preflight/sources.ts';
import type { RestoreRequest } from './restore-request.ts';
import { setProblem } from './set-problems.ts';

/** A restore that nothing stands in the way of. Disposing of it closes the connections. */
export interface ReadyRestore extends AsyncDisposable {
  readonly juju: JujuModel;
  readonly kubernetes: Kubernetes;
  readonly target: Target;
  /** The buckets that are restored. */
  readonly sources: readonly Source[];
  readonly layout: Layout;
  readonly manifest: BackupManifest;
  readonly components: readonly string[];
  readonly plan: ApplicationPlan;
  /** What runs although the restore is allowed, and what may write to what is restored. */
  readonly warnings: readonly string[];
}

/**
 * Looks at everything a restore needs, the set itself included, and changes nothing. Each problem goes into the action's log, none hides the
 * next; rejects with the only one, or with `preflight-failed` and all of them.
 */
export const preflight = async (
  world: World,
  config: Config,
  request: RestoreRequest,
): Promise<ReadyRestore> => {
  const opened = new AsyncDisposableStack();
  try {
    const connections = opened.use(await openConnections(world, { ...config, components: [] }));
    const { juju, kubernetes, target } = connections;
    const problems = [...connections.problems];
    const collect = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
      const result = await orProblem(work);
      if (!(result instanceof CharmError)) return result;
      problems.push(result);
      return undefined;
    };

    const manifest = target && (await collect(() => findSet(target, request)));
    problems.push(...requestProblems(world, request, manifest));
    const components = manifest ? componentsOf(request, manifest) : [];
    const sources = await openSources(world, manifest, components, opened);
    problems.push(...sources.problems);
    for await (const problem of storageProblems(world, target, sources.opened, true))
      problems.push(problem);
    for await (const problem of sourceProblems(sources.opened)) problems.push(problem);
    await using heartbeat = startHeartbeat(world);
    const damage =
      target &&
      manifest &&
      (await collect(() => setProblem(world, config, heartbeat, target, manifest, components)));
    if (damage) problems.push(damage);
    const applications =
      juju &&
      manifest &&
      (await collect(() => planApplications(world, config, juju, target, manifest, components)));
    problems.push(...(applications?.problems ?? []));
    const mlmd = applications?.plan.mlmd;
    if (kubernetes && target && manifest?.mlmd && mlmd)
      problems.push(...(await mlmdProblems(kubernetes, target, mlmd.name, manifest.mlmd)));
    const workloads = kubernetes && (await collect(() => findRunningWorkloads(kubernetes)));
    const running = workloads?.running ?? [];
    if (running.length > 0 && !request.allowRunning) problems.push(workloadsRunning(running));

    if (problems.length > 0) throw await report(world, problems);
    if (!juju || !kubernetes || !target || !manifest || !applications)
      throw new TypeError('a connection that did not open has no problem to report');
    const closing = opened.move();
    return {
      ...{ juju, kubernetes, target, manifest, components },
      sources: sources.opened,
      layout: layoutOf(target.prefix),
      plan: applications.plan,
      warnings: [...running, ...(workloads?.warnings ?? [])],
      [Symbol.asyncDispose]: () => closing.disposeAsync(),
    };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
};

const workloadsRunning = (running: readonly string[]): CharmError =>
  new CharmError(
    'workloads-running',
    `${countText(running.length, 'workload')} would write to what is being restored: ${listText(running)}. Let them end and disable recurring runs,` +
      ` or restore all the same with allow-running=true; what they write meanwhile is lost or mixed with what is restored.`,
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
    `${problems.length} problems keep the restore from being made, and nothing was changed: ${all}`,
  );
};
