import type { VolumesConfig } from '../config/volumes.ts';
import { CharmError, orProblem } from '../errors.ts';
import { layoutOf } from '../repository/layout.ts';
import type { World } from '../world.ts';
import { backUpVolumes } from './back-up-volumes.ts';
import { beginVolumeOperation } from './begin-operation.ts';
import type { RestoreSummary } from './restic/restic.ts';
import { restoreFiles } from './restore-files.ts';
import { type RestorePlan, type RestoreVolumeRequest, planRestore } from './restore-plan.ts';
import { type SessionRecord, type VolumeRecord } from './records/session-record.ts';

export interface VolumeRestoreReport {
  readonly plan: RestorePlan;
  /** Undefined of a dry run. */
  readonly session: string | undefined;
  /** The folder of the volume that was made for it; undefined in place, and of a dry run. */
  readonly folder: string | undefined;
  /** What `include` names of the backup; undefined without, and of a dry run. */
  readonly included: RestoreSummary | undefined;
  /** The session that saved what was there before; undefined when nothing was to be saved. */
  readonly safetyBackup: string | undefined;
}

/**
 * Brings a backup of a volume back, into the volume or a new folder of it. What is there is backed
 * up first when it could be overwritten. Rejects before anything was changed when that cannot be
 * done, and with `volume-in-use` when a pod uses a volume that is to be overwritten.
 *
 * Below `into` each restore gets a folder of its own, named after its session. A pod that is killed
 * leaves halves of files, and nobody could tell them from files that were there before.
 */
export const restoreVolume = async (
  world: World,
  config: VolumesConfig,
  request: RestoreVolumeRequest,
): Promise<VolumeRestoreReport> => {
  const plan = await lookAhead(world, config, request);
  if (request.dryRun)
    return {
      ...{ plan, session: undefined, safetyBackup: undefined },
      ...{ folder: undefined, included: undefined },
    };
  const safetyBackup = plan.overwrites ? await saveFirst(world, config, plan) : undefined;
  await using operation = await beginVolumeOperation(world, config);
  const { session } = operation;
  const folder = request.into === undefined ? undefined : `${request.into}/${session}`;
  const record: SessionRecord = {
    id: session,
    kind: 'restore',
    started: world.clock.now().toISOString(),
    phase: 'Running',
    volumes: [recordOf(plan, 'Running')],
  };
  await operation.start(record);
  const end = async (phase: 'Succeeded' | 'Failed', reason?: string): Promise<void> =>
    operation.end({
      ...record,
      phase,
      volumes: [recordOf(plan, phase, reason)],
      finished: world.clock.now().toISOString(),
    });
  const included = await orProblem(() => restoreFiles(operation, plan, { ...request, folder }));
  if (included instanceof CharmError) {
    const problem = folder === undefined ? included : withLeftover(included, folder);
    await end('Failed', problem.message);
    throw problem;
  }
  await end('Succeeded');
  return { plan, session, folder, included, safetyBackup };
};

/** Reads only. */
const lookAhead = async (
  world: World,
  config: VolumesConfig,
  request: RestoreVolumeRequest,
): Promise<RestorePlan> => {
  await using access = await world.openVolumes();
  const target = await world.openTarget();
  await using _store = target.store;
  const layout = layoutOf(target.prefix);
  return await planRestore({ access, target, layout, config, world }, request);
};

const saveFirst = async (
  world: World,
  config: VolumesConfig,
  { to }: RestorePlan,
): Promise<string | undefined> => {
  await world.progress.step(`${to.namespace}/${to.claim}: backing up what is there now`);
  const saved = await backUpVolumes(world, config, { kind: 'one', ...to });
  const [volume] = saved.volumes;
  // A claim that no volume is bound to has nothing in it.
  if (volume?.phase === 'Skipped') return undefined;
  if (volume?.phase === 'Succeeded' || volume?.phase === 'PartiallyFailed') return saved.id;
  throw new CharmError(
    'volumes-failed',
    `What is in ${to.namespace}/${to.claim} now could not be backed up, so nothing was restored. Restore into a folder with into=<folder>, or mend this first: ${volume?.reason ?? 'there is no such volume'}`,
  );
};

const withLeftover = (problem: CharmError, folder: string): CharmError =>
  problem.code === 'volume-command-failed'
    ? new CharmError(
        problem.code,
        `${problem.message.replace(/\.?$/, '.')} What was restored by then, if anything, is in /${folder} and can be removed.`,
      )
    : problem;

const recordOf = (
  { to, backup, accessModes }: RestorePlan,
  phase: VolumeRecord['phase'],
  reason?: string,
): VolumeRecord => ({
  ...to,
  ...{ phase, accessModes, reason },
  size: backup.volume.size,
  repository: backup.volume.repository,
  snapshot: backup.volume.snapshot,
});
