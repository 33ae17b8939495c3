import { CharmError, orProblem } from '../errors.ts';
import { usersOf } from './claims/claims.ts';
import { includedFiles } from './included-files.ts';
import type { JobWish } from './pods/user-job.ts';
import type { VolumeOperation } from './records/operation.ts';
import { gateways, throughGateway } from './repositories/gateway.ts';
import { jobFailure, runUserJob } from './repositories/run-job.ts';
import { watchGateway } from './repositories/watch-gateway.ts';
import { repositoryPassword } from './restic/keys.ts';
import { mendRepository } from './restic/repository-command.ts';
import { noteOthers } from './restic/repository-locks.ts';
import { type RestoreSummary, exitText, restoreArguments } from './restic/restic.ts';
import { type RestorePlan, type RestoreVolumeRequest, inUse, isForOnePod } from './restore-plan.ts';

/**
 * Runs restic beside the volume that a backup is to come back to, through a gateway of its own;
 * when that dies, or restic fails because of what a user has put into the repository, once more.
 * Makes the claim first when the plan says so. Resolves with what `include` names. Rejects with
 * `volume-in-use` when a pod uses the volume by now, and with `volume-command-failed`.
 */
export const restoreFiles = async (
  operation: VolumeOperation,
  plan: RestorePlan,
  request: RestoreVolumeRequest & { readonly folder: string | undefined },
): Promise<RestoreSummary | undefined> => {
  const { access, session, config, world } = operation;
  const { cluster } = access;
  const { repository, snapshot, size } = plan.backup.volume;
  const claim = {
    namespace: plan.to.namespace,
    name: plan.to.claim,
    accessModes: plan.accessModes,
  };
  const included =
    request.include === undefined
      ? undefined
      : await includedFiles(operation, plan.backup, request.include);
  if (plan.newClaim !== undefined) await cluster.create('persistentvolumeclaims', plan.newClaim);
  const user = (await usersOf(cluster, claim.namespace)).get(claim.name);
  if (user !== undefined && (request.into === undefined || isForOnePod(plan)))
    throw inUse(plan, user.pod);
  await world.progress.step(`${claim.namespace}/${claim.name}: restoring ${plan.backup.session}`);
  await noteOthers(operation, repository);
  const run = (attempt: number) =>
    throughGateway(operation, repository, async (gateway) => {
      await using watch = await watchGateway(operation, repository, gateway, [size]);
      const watched = { ...operation, world: { ...world, signal: watch.signal } };
      const wish = {
        ...({ role: 'restore', attempt } as const),
        ...{ model: cluster.namespace, session, claim, user, repository, config },
        identity: user?.identity,
        command: restoreArguments({ ...request, snapshot }),
        address: gateway.address,
        gatewayPassword: gateway.password,
        repositoryPassword: repositoryPassword(access.key, repository),
      };
      const outcome = await orProblem(async () => {
        if (request.folder !== undefined)
          await makeFolder(watched, wish, { snapshot, folder: request.folder });
        return runUserJob(watched, wish);
      });
      return { outcome, isLost: !(await gateway.isUp()) };
    });
  for (let attempt = 1; ; attempt += 1) {
    const { outcome, isLost } = await run(attempt);
    if (!(outcome instanceof CharmError) && outcome.exitCode === 0) return included;
    world.signal.throwIfAborted();
    const problem = outcome instanceof CharmError ? outcome : jobFailure(claim, outcome);
    if (attempt === gateways) throw problem;
    if (isLost)
      await world.progress.note(
        `${repository}: the pod of the gateway ended; the restore goes on through a new one`,
      );
    else if (outcome === problem || !(await mendRepository(operation, repository))) throw problem;
  }
};

/**
 * restic makes a folder for nobody but the user it runs as, and the user of the notebook cannot
 * enter one of root's. So that user makes it, by a restore of nothing. Where the volume does not
 * let that user, it is left to root.
 */
const makeFolder = async (
  operation: VolumeOperation,
  wish: JobWish,
  { snapshot, folder }: { readonly snapshot: string; readonly folder: string },
): Promise<void> => {
  const { config, claim, attempt = 1 } = wish;
  if (config.runAs !== 'root') return;
  const outcome = await runUserJob(operation, {
    ...wish,
    attempt: attempt + gateways,
    config: { ...config, runAs: 'notebook' },
    command: restoreArguments({ snapshot, folder, include: noFile, deleteExtra: false }),
  });
  if (outcome.exitCode !== 0)
    await operation.world.progress.note(
      `${claim.namespace}/${claim.name}: /${folder} will belong to root, because the user of the notebook may not make it: ${outcome.complaints.at(-1) ?? exitText(outcome.exitCode)}`,
    );
};

/** No file of anybody has this name. */
const noFile = '/ckf-backup/makes a folder';
