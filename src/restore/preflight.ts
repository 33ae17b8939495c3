import type { Config } from '../config/config.ts';
import { CharmError, orProblem } from '../errors.ts';
import type { ApplicationPlan } from '../operation/applications.ts';
import { openConnections } from '../operation/connections.ts';
import { startHeartbeat } from '../operation/heartbeat.ts';
import { reportProblems } from '../operation/problems.ts';
import { journalProblems } from '../operation/put-back.ts';
import { findRunningWorkloads } from '../operation/running-workloads.ts';
import { storageProblems, takeOverProblems } from '../operation/storage.ts';
import { layoutOf, type Layout } from '../repository/layout.ts';
import type { BackupManifest } from '../repository/manifest.ts';
import { signatureProblem } from '../repository/signature.ts';
import { readSet } from '../repository/sets.ts';
import { targetAsOf } from '../repository/as-of.ts';
import { countText, listText } from '../text.ts';
import type { JujuModel, Kubernetes, Target, World } from '../world.ts';
import { checkDocuments, createArchiveCheck } from '../verify/archive.ts';
import { planApplications, type DatabasePlan } from './applications.ts';
import { mlmdProblems } from './mlmd-space.ts';
import { openSources, sourceProblems, type RestoredSource } from './sources.ts';
import { componentsOf, requestProblems, type RestoreRequest, setProblems } from './set.ts';

/**
 * Everything that a restore needs, found to be in order. Disposing of it closes the connections.
 */
export interface ReadyRestore extends AsyncDisposable {
  readonly juju: JujuModel;
  readonly kubernetes: Kubernetes;
  readonly target: Target;
  /** Where the set is read: the target, or what it was at the time that was asked for. */
  readonly stored: Target;
  /** The buckets that are restored. */
  readonly sources: readonly RestoredSource[];
  readonly layout: Layout;
  readonly manifest: BackupManifest;
  readonly components: readonly string[];
  readonly plan: ApplicationPlan<DatabasePlan>;
  /** The units of our own application besides this one. */
  readonly otherUnits: readonly string[];
  /** What runs although the restore is allowed, and what may write to what is restored. */
  readonly warnings: readonly string[];
}

/**
 * Looks at everything a restore needs, the set itself included, and changes nothing. Finds all
 * problems, not only the first. Rejects with the only one, or with `preflight-failed` and all of
 * them, each with a line of the action's log.
 */
export const preflight = async (
  world: World,
  config: Config,
  request: RestoreRequest,
): Promise<ReadyRestore> => {
  const opened = new AsyncDisposableStack();
  try {
    const connections = opened.use(await openConnections(world, []));
    const { juju, kubernetes, target } = connections;
    const problems = [...connections.problems, ...(await journalProblems(world))];
    const collect = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
      const result = await orProblem(work);
      if (!(result instanceof CharmError)) return result;
      problems.push(result);
      return undefined;
    };

    const stored = target && (await collect(() => targetAsOf(world, target, request.asOf)));
    const archive =
      stored &&
      createArchiveCheck(stored.store, {
        thaw: request.thaw && !request.dryRun,
        width: config.transfers,
      });
    const manifest =
      stored &&
      archive &&
      (await collect(async () => {
        if (request.thaw) await checkDocuments(stored, request.backupId, archive);
        return readSet(stored, request.backupId);
      }));
    problems.push(...requestProblems(world, request, manifest));
    const keys = await collect(() => world.openSigningKeys());
    const unsigned = manifest && signatureProblem(manifest, keys);
    if (unsigned && !request.allowUnsigned) problems.push(unsigned);
    const components = manifest ? componentsOf(request, manifest) : [];
    const sources = await openSources(
      world,
      {
        sourceBuckets: config.sourceBuckets,
        renamed: request.renamed,
        manifest: components.includes('mlpipeline') ? manifest : undefined,
      },
      opened,
    );
    problems.push(...sources.problems);
    for await (const problem of storageProblems(world, target, sources.opened, true))
      problems.push(problem);
    if (request.takeOver && problems.length === 0)
      problems.push(...(await Array.fromAsync(takeOverProblems(world, target))));
    for await (const problem of sourceProblems(sources.opened)) problems.push(problem);
    await using heartbeat = startHeartbeat(world);
    const ofSet =
      stored &&
      archive &&
      manifest &&
      (await collect(() => {
        const { allowDamaged } = request;
        const wanted = { target: stored, manifest, components, allowDamaged, archive };
        return setProblems(world, config, heartbeat, wanted);
      }));
    problems.push(...(ofSet ?? []));
    const applications =
      juju &&
      manifest &&
      (await collect(() => {
        const wanted = { target, stored, manifest, components };
        return planApplications(world, config, juju, wanted);
      }));
    problems.push(...(applications?.problems ?? []));
    const mlmd = applications?.plan.mlmd;
    if (kubernetes && stored && manifest?.mlmd && mlmd)
      problems.push(...(await mlmdProblems(kubernetes, stored, mlmd.name, manifest.mlmd)));
    const workloads = kubernetes && (await collect(() => findRunningWorkloads(kubernetes)));
    const running = workloads?.running ?? [];
    if (running.length > 0 && !request.allowRunning) problems.push(workloadsRunning(running));

    if (problems.length > 0)
      throw await reportProblems(world.progress, withoutEchoes(problems), 'the restore');
    if (!juju || !kubernetes || !target || !stored || !manifest || !applications)
      throw new TypeError('a connection that did not open has no problem to report');
    const closing = opened.move();
    return {
      ...{ juju, kubernetes, target, stored, manifest, components },
      sources: sources.opened,
      layout: layoutOf(target.prefix),
      plan: applications.plan,
      otherUnits: applications.otherUnits,
      warnings: [
        ...(unsigned ? [unsigned.message] : []),
        ...running,
        ...(workloads?.warnings ?? []),
      ],
      [Symbol.asyncDispose]: () => closing.disposeAsync(),
    };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
};

/** What is frozen is said once; it keeps other things from being read, such as the claim. */
const withoutEchoes = (problems: readonly CharmError[]): readonly CharmError[] => {
  const first = problems.findIndex(({ code }) => code === 'object-archived');
  return problems.filter(({ code }, index) => code !== 'object-archived' || index === first);
};

const workloadsRunning = (running: readonly string[]): CharmError =>
  new CharmError(
    'workloads-running',
    `${countText(running.length, 'workload')} would write to what is being restored: ${listText(running)}. Let them end and disable recurring runs,` +
      ` or restore all the same with allow-running=true; what they write meanwhile is lost or mixed with what is restored.`,
  );
