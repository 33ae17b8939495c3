import type { LimitFunction } from 'p-limit';
import { CharmError, orProblem } from '../errors.ts';
import { type ClaimUser, usersOf } from './claims/claims.ts';
import { type Gateway, gateways, throughGateway } from './repositories/gateway.ts';
import { holdNotebooks } from './claims/hold-notebooks.ts';
import { repositoryPassword } from './restic/keys.ts';
import type { VolumeOperation } from './records/operation.ts';
import type { PlannedVolume } from './claims/plan.ts';
import { excludesOf } from './claims/policy.ts';
import { makeRepository, prepareRepository } from './repositories/repositories.ts';
import { mendRepository } from './restic/repository-command.ts';
import { backupArguments, someUnreadable } from './restic/restic.ts';
import { type JobOutcome, isEmptyVolume, runUserJob } from './repositories/run-job.ts';
import { watchGateway } from './repositories/watch-gateway.ts';

interface Upload {
  /** Of one namespace. */
  readonly volumes: readonly PlannedVolume[];
  readonly repository: string;
  /** Lets so many volumes of all namespaces be worked on at a time. */
  readonly limit: LimitFunction;
}

/** How restic ended beside a volume, or why it did not run. */
export type UploadEnd = JobOutcome | CharmError;

/**
 * Runs restic beside each volume, through the gateway of their repository, which is made when there
 * is none. When the gateway's pod ends meanwhile, or when restic fails because of what a user has
 * put into the repository, those that have not succeeded by then are tried once more through a new
 * one. Resolves with how each ended, in their order. What restic says is from a user's pod: it
 * proves nothing.
 */
export const uploadVolumes = async (
  operation: VolumeOperation,
  { volumes, repository, limit }: Upload,
): Promise<readonly (UploadEnd | undefined)[]> => {
  const ends = new Map<PlannedVolume, UploadEnd>();
  for (let attempt = 1; attempt <= gateways; attempt += 1) {
    const left = volumes.filter((volume) => !isUploaded(ends.get(volume)));
    const whileStopped = holdNotebooks(operation, left);
    const isThere = await prepareRepository(operation, repository);
    const isLost = await throughGateway(operation, repository, async (gateway) => {
      await using watch = await watchGateway(
        ...([operation, repository, gateway] as const),
        left.map(({ claim }) => claim.size),
      );
      const { signal } = watch;
      const watched = { ...operation, world: { ...operation.world, signal } };
      if (!isThere) {
        const made = await orProblem(() => makeRepository(watched, repository, gateway));
        if (made instanceof CharmError) {
          if (attempt < gateways && !(await gateway.isUp())) return true;
          throw made;
        }
      }
      const upload = async (volume: PlannedVolume): Promise<void> => {
        const end = await orProblem(() => {
          // Who had to wait is not begun any more: its notebook would be stopped.
          signal.throwIfAborted();
          return whileStopped(volume, () =>
            backUpVolume(watched, volume, { repository, gateway, attempt }),
          );
        });
        ends.set(volume, end);
      };
      await Promise.all(left.map((volume) => limit(() => upload(volume))));
      return left.some((volume) => !isUploaded(ends.get(volume))) && !(await gateway.isUp());
    });
    operation.world.signal.throwIfAborted();
    if (!isLost) {
      if (attempt < gateways && left.some((volume) => hasFailed(ends.get(volume))))
        if (await mendRepository(operation, repository)) continue;
      break;
    }
    await operation.world.progress.note(
      `${repository}: the pod of the gateway ended${attempt < gateways ? '; the volumes that are left are tried again through a new one' : ' again'}`,
    );
  }
  return volumes.map((volume) => ends.get(volume));
};

const isUploaded = (end: UploadEnd | undefined): boolean =>
  end !== undefined &&
  !(end instanceof CharmError) &&
  (end.exitCode === 0 || end.exitCode === someUnreadable);

/** restic itself, for another reason than that there are no files. */
const hasFailed = (end: UploadEnd | undefined): boolean =>
  end !== undefined && !(end instanceof CharmError) && !isUploaded(end) && !isEmptyVolume(end);

interface Through {
  readonly repository: string;
  readonly gateway: Gateway;
  readonly attempt: number;
}

const backUpVolume = async (
  operation: VolumeOperation,
  { claim, ...planned }: PlannedVolume,
  { repository, gateway, attempt }: Through,
): Promise<JobOutcome> => {
  const { access, session, config, world } = operation;
  const run = (user: ClaimUser | undefined, nth: number): Promise<JobOutcome> =>
    runUserJob(operation, {
      role: 'backup',
      ...{ model: access.cluster.namespace, session, claim, user, repository, config },
      identity: (user ?? planned.user)?.identity,
      attempt: nth,
      command: backupArguments(claim.name, session, excludesOf(claim, config.exclude)),
      address: gateway.address,
      gatewayPassword: gateway.password,
      repositoryPassword: repositoryPassword(access.key, repository),
    });
  // Since the plan was made the notebook may have moved to another node.
  const userNow = async (): Promise<ClaimUser | undefined> =>
    (await usersOf(access.cluster, claim.namespace)).get(claim.name);
  const runBesideIt = async (nth: number): Promise<JobOutcome> => {
    const user = await userNow();
    const end = await orProblem(() => run(user, nth));
    if (!(end instanceof CharmError)) return end;
    // Or since the pod was made, whose node may be drained.
    const canMove = end.code === 'volume-not-started' && nth <= gateways;
    if (!canMove || (await userNow())?.node === user?.node) throw end;
    return runBesideIt(nth + gateways);
  };
  const outcome = await runBesideIt(attempt);
  await world.progress.note(
    `${claim.namespace}/${claim.name}: ${outcome.exitCode === 0 ? 'uploaded' : 'ended with problems'}`,
  );
  return outcome;
};
