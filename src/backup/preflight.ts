import type { HandedDatabase } from '../components/databases/paths.ts';
import type { Config } from '../config/config.ts';
import { CharmError, hasCode, orProblem } from '../errors.ts';
import type { ApplicationPlan } from '../operation/applications.ts';
import { openConnections } from '../operation/connections.ts';
import { reportProblems } from '../operation/problems.ts';
import { journalProblems } from '../operation/put-back.ts';
import { findRunningWorkloads } from '../operation/running-workloads.ts';
import { probeServer, serverWarnings } from '../operation/probe-server.ts';
import { nestingProblems, storageProblems, takeOverProblems } from '../operation/storage.ts';
import { unstorableKeys } from '../operation/unstorable-keys.ts';
import { countText, listText } from '../text.ts';
import type { ServerTraits } from '../repository/manifest.ts';
import type { JujuModel, Kubernetes, SigningKeys, Source, Target, World } from '../world.ts';
import { planApplications, type DatabasePlan } from './applications.ts';
import type { Opened } from './later-refusals.ts';
import { oddScales } from './odd-scales.ts';
import { unknownLocation } from './own-storage.ts';

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

/** Everything that a backup needs, found to be in order. Disposing of it closes the connections. */
export interface ReadyBackup extends AsyncDisposable {
  readonly juju: JujuModel;
  readonly kubernetes: Kubernetes;
  readonly target: Target;
  readonly sources: readonly Source[];
  /** What the server of the target does. */
  readonly server: ServerTraits;
  readonly plan: ApplicationPlan<DatabasePlan>;
  /** The databases that get their path from us. */
  readonly handed: readonly HandedDatabase[];
  /** The units of our own application that can help, besides this one. */
  readonly otherUnits: readonly string[];
  /** The time before the first look at what runs. */
  readonly looked: Date;
  /** What runs although the backup is allowed. */
  readonly running: readonly string[];
  readonly warnings: readonly string[];
  /** Undefined while sets are not signed. */
  readonly signing: SigningKeys | undefined;
}

/**
 * Looks at everything that a backup needs, and changes nothing. Finds all problems, not only the
 * first. Rejects with the only one, or with `preflight-failed` and all of them, each with a line of
 * the action's log. A database that cannot write to its path is not a problem when there is no
 * other: `moveDatabasesOn` comes next, and moves it.
 *
 * @param further looks for further problems, which a backup itself would meet later
 */
export const preflight = async (
  world: World,
  config: Config,
  request: BackupRequest,
  further: (opened: Opened) => AsyncIterable<CharmError> = nothingFurther,
): Promise<ReadyBackup> => {
  const looked = world.clock.now();
  const connections = await openConnections(
    world,
    config.components.includes('mlpipeline') ? config.sourceBuckets : [],
  );
  try {
    const { juju, kubernetes, target, sources } = connections;
    const problems = [...connections.problems, ...(await journalProblems(world))];
    const opened = await orProblem(() => openSigningKeys(world));
    const signing = opened instanceof CharmError ? undefined : opened;
    if (opened instanceof CharmError) problems.push(opened);
    const storage = await Array.fromAsync(
      storageProblems(world, target, sources, request.takeOver),
    );
    problems.push(...storage);
    if (request.takeOver && storage.length === 0)
      problems.push(...(await Array.fromAsync(takeOverProblems(world, target))));
    const server =
      target && storage.length === 0
        ? await orProblem(() => probeServer(target, world.clock))
        : undefined;
    if (server instanceof CharmError) problems.push(server);
    else if (target && server)
      problems.push(...(await keyProblems(world, target, sources, server)));
    for await (const problem of nestingProblems(target)) problems.push(problem);
    const planned =
      juju &&
      (await orProblem(() => planApplications(world, config, juju, request.timeoutSeconds)));
    const applications = planned instanceof CharmError ? undefined : planned;
    const ofApplications = planned instanceof CharmError ? [planned] : (planned?.problems ?? []);
    problems.push(...(await unlessS3IsAway(world, target, ofApplications)));
    const found = kubernetes && (await orProblem(() => findRunningWorkloads(kubernetes)));
    const workloads = found instanceof CharmError ? undefined : found;
    if (found instanceof CharmError) problems.push(found);
    const running = workloads?.running ?? [];
    if (running.length > 0 && !request.allowRunning) problems.push(workloadsRunning(running));

    for await (const problem of further(connections)) problems.push(problem);

    const handed = applications?.handed ?? [];
    const refusing = handed.flatMap(({ problem }) => problem ?? []);
    if (problems.length > 0)
      throw await reportProblems(world.progress, [...problems, ...refusing], 'a backup');
    if (
      juju === undefined ||
      kubernetes === undefined ||
      target === undefined ||
      server === undefined ||
      server instanceof CharmError ||
      applications === undefined
    ) {
      throw new TypeError('a connection that did not open has no problem to report');
    }
    return {
      ...{ juju, kubernetes, target, server, sources, handed, looked, running, signing },
      ...{ plan: applications.plan, otherUnits: applications.otherUnits },
      warnings: [
        ...(workloads?.warnings ?? []),
        ...serverWarnings(server),
        ...(await oddScales(applications.plan, target)),
        ...applications.plan.databases
          .filter(({ isRelated, location }) => !isRelated && location === undefined)
          .map(({ component, application: { name } }) =>
            unknownLocation(component, name, world.application),
          ),
      ],
      [Symbol.asyncDispose]: () => connections[Symbol.asyncDispose](),
    };
  } catch (error) {
    await connections[Symbol.asyncDispose]();
    throw error;
  }
};

/** A backup needs the private key. Public keys alone are for models that only restore. */
const openSigningKeys = async (world: World): Promise<SigningKeys | undefined> => {
  const keys = await world.openSigningKeys();
  if (keys !== undefined && keys.signs === undefined)
    throw new CharmError(
      'secret-unreadable',
      `The secret of the option signing-key has no private-key, so a backup could not be signed. Run: juju update-secret <secret> private-key#file=signing.pem, or juju config ${world.application} --reset signing-key`,
    );
  return keys;
};

/** Only a server that does not take every key is asked about the keys of the sources. */
const keyProblems = async (
  { progress }: World,
  target: Target,
  sources: readonly Source[],
  { keys }: ServerTraits,
): Promise<readonly CharmError[]> => {
  if (keys === 'any') return [];
  const problems: CharmError[] = [];
  for (const source of sources) {
    await progress.note(
      `Looking through the keys of the bucket ${source.bucket}, because ${target.store.description} does not take every key`,
    );
    const found = await orProblem(() => unstorableKeys(source, target));
    problems.push(...(found instanceof CharmError ? [found] : found));
  }
  return problems;
};

/** While S3 is away for us too, there is nothing to mend at the databases. The log has it. */
const unlessS3IsAway = async (
  { progress }: World,
  target: Target | undefined,
  problems: readonly CharmError[],
): Promise<readonly CharmError[]> => {
  const cut = problems.filter(({ code }) => code === 'database-store-unreachable');
  if (target === undefined || cut.length === 0) return problems;
  if (!hasCode(await orProblem(() => target.store.probe()), 'store-unreachable')) return problems;
  for (const { message } of cut) await progress.note(`S3 is away for others too: ${message}`);
  return problems.filter((problem) => !cut.includes(problem));
};

async function* nothingFurther(): AsyncGenerator<CharmError> {
  // A backup meets these problems itself.
}

const workloadsRunning = (running: readonly string[]): CharmError =>
  new CharmError(
    'workloads-running',
    `${countText(running.length, 'workload')} would make the backup inconsistent: ${listText(running)}. Let them end and disable recurring` +
      ` runs, or back up all the same with allow-running=true; the set then says what was running.`,
  );
