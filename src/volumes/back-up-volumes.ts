import pLimit, { type LimitFunction } from 'p-limit';
import { CharmError, orProblem } from '../errors.ts';
import { countText, secondText } from '../text.ts';
import type { Cluster, World } from '../world.ts';
import type { VolumesConfig } from '../config/volumes.ts';
import { checkInTurn } from './check-in-turn.ts';
import { keepBackups } from './retention/keep-backups.ts';
import { beginVolumeOperation } from './begin-operation.ts';
import { type VolumeOperation, withPartOfLimit } from './records/operation.ts';
import { skipEmptied } from './records/emptied-volumes.ts';
import { type PlannedVolume, planVolumes } from './claims/plan.ts';
import { matches, skipText } from './claims/policy.ts';
import { repositoryFor } from './repositories/repositories.ts';
import { someUnreadable } from './restic/restic.ts';
import { type Snapshot, snapshotsOfSession } from './restic/snapshots.ts';
import { type JobOutcome, isEmptyVolume, jobFailure } from './repositories/run-job.ts';
import {
  type SessionRecord,
  type VolumeRecord,
  noFiles,
  sessionPhase,
} from './records/session-record.ts';
import { inTurns } from '../in-turns.ts';
import { uploadVolumes } from './upload-volumes.ts';

/*
 * This folder backs up and restores users' volumes: the content of claims (PersistentVolumeClaims)
 * of other namespaces. restic runs beside each volume, rclone alone has the keys of the bucket, and
 * the charm plans, starts, watches and records. The stories are here; the folders below have what
 * they work with.
 */

export type BackupVolumesRequest =
  /** What the option volumes says. */
  | { readonly kind: 'all' }
  /** Of these the ones that match `<namespace>/<claim>` with * and ?. */
  | { readonly kind: 'matching'; readonly pattern: string }
  /** This one, also when it is paused, temporary, or not among the option volumes. */
  | { readonly kind: 'one'; readonly namespace: string; readonly claim: string };

/**
 * Backs up volumes, each by a Job beside it, through a gateway that lets nothing be changed or
 * deleted. What a user's pod says is never believed: after the gateway is shut, the snapshots are
 * read from the repository itself. Resolves with the record of the session, which is in S3 by then.
 * `slot` is the time of the schedule that it is for: then a part of what is stored is read, too,
 * and a damaged repository is the reason of a session that failed in part. `told` gets the record
 * as the session begins and when it has ended.
 */
export const backUpVolumes = async (
  world: World,
  config: VolumesConfig,
  request: BackupVolumesRequest,
  {
    slot,
    told = async () => undefined,
  }: {
    readonly slot?: Date | undefined;
    readonly told?: (record: SessionRecord) => Promise<void>;
  } = {},
): Promise<SessionRecord> => {
  await using operation = await beginVolumeOperation(world, config);
  const { access, session } = operation;
  const planned = await chosen(access.cluster, config, request, world);
  const record: SessionRecord = {
    id: session,
    kind: 'backup',
    started: world.clock.now().toISOString(),
    ...{ task: world.task, slot: slot && secondText(slot), phase: 'Running' },
    volumes: planned.map((volume) => recordOf(volume, { phase: 'Running' })),
  };
  await operation.start(record);
  await told(record);
  const { store } = operation.target;
  const volumes = await skipEmptied(
    { store, layout: operation.layout, now: world.clock.now() },
    await backUpPlanned(operation, planned),
  );
  for (const { namespace, claim, phase, reason } of volumes)
    if (reason !== undefined)
      await operation.world.progress.note(`${namespace}/${claim}: ${phase}: ${reason}`);
  // From here on the backups count, also when this process is killed while old ones are removed.
  await operation.note({ ...record, volumes });
  // The backup that saves what a restore overwrites must not push out the one to be restored.
  const kept = request.kind === 'one' ? {} : await keepBackups(operation, volumes);
  const damage = slot && (await checkInTurn(operation));
  const ended: SessionRecord = {
    ...record,
    volumes,
    ...kept,
    phase: damage === undefined ? sessionPhase(volumes) : 'PartiallyFailed',
    ...(damage !== undefined && { reason: damage.message }),
    finished: world.clock.now().toISOString(),
  };
  await operation.end(ended);
  await told(ended);
  return ended;
};

const chosen = async (
  cluster: Cluster,
  config: VolumesConfig,
  request: BackupVolumesRequest,
  { application, clock }: Pick<World, 'application' | 'clock'>,
): Promise<readonly PlannedVolume[]> => {
  const isMeant = ({ claim }: PlannedVolume): boolean =>
    request.kind === 'all' ||
    matches(
      request.kind === 'one' ? `${request.namespace}/${request.claim}` : request.pattern,
      `${claim.namespace}/${claim.name}`,
    );
  const patterns = request.kind === 'one' ? [request] : config.patterns;
  const use = { mode: config.inUse, now: clock.now(), isNamed: request.kind === 'one' };
  const planned = (await planVolumes(cluster, patterns, use)).filter(isMeant);
  if (planned.length > 0 || request.kind !== 'matching') return planned;
  throw new CharmError(
    'volume-missing',
    `There is no volume ${request.pattern} among those of the option volumes. Run: juju run ${application}/leader list-volumes`,
  );
};

/** The records of all, in the order of the plan. */
export const backUpPlanned = async (
  operation: VolumeOperation,
  planned: readonly PlannedVolume[],
): Promise<readonly VolumeRecord[]> => {
  const { config } = operation;
  const skipped = planned.filter(({ skip }) => skip !== undefined);
  const due = Map.groupBy(
    planned.filter(({ skip }) => skip === undefined),
    ({ claim }) => claim.namespace,
  );
  const limit = pLimit(config.parallel);
  const gateways = Math.max(1, Math.min(config.parallel, due.size));
  const each = withPartOfLimit(operation, gateways);
  const ended = await inTurns(gateways, [...due.values()], (volumes) =>
    backUpNamespace(each, volumes, limit),
  );
  const records = [
    ...ended.flat(),
    ...skipped.map((volume) => recordOf(volume, { phase: 'Skipped', reason: skipText(volume) })),
  ];
  const order = new Map(planned.map(({ claim }, at) => [`${claim.namespace}/${claim.name}`, at]));
  const at = ({ namespace, claim }: VolumeRecord) => order.get(`${namespace}/${claim}`) ?? 0;
  return records.sort((one, other) => at(one) - at(other));
};

/** A namespace whose repository cannot be opened fails alone. */
const backUpNamespace = async (
  operation: VolumeOperation,
  volumes: readonly PlannedVolume[],
  limit: LimitFunction,
): Promise<readonly VolumeRecord[]> => {
  const { world } = operation;
  const [first] = volumes;
  if (first === undefined) return [];
  const { namespace } = first;
  await world.progress.step(`${namespace.name}: backing up ${countText(volumes.length, 'volume')}`);
  const done = await orProblem(async () => {
    const { name } = await repositoryFor(operation, namespace);
    const outcomes = await uploadVolumes(operation, { volumes, repository: name, limit });
    world.signal.throwIfAborted();
    const claims = new Set(volumes.map(({ claim }) => claim.name));
    const snapshots = await snapshotsOfSession(operation, name, claims);
    return volumes.map((volume, at) => judge(volume, name, outcomes[at], snapshots));
  });
  if (!(done instanceof CharmError)) return done;
  world.signal.throwIfAborted();
  return volumes.map((volume) => failed(volume, done));
};

/** What the repository has counts; what the Job said only tells why it has nothing. */
const judge = (
  volume: PlannedVolume,
  repository: string,
  outcome: JobOutcome | CharmError | undefined,
  snapshots: ReadonlyMap<string, Snapshot>,
): VolumeRecord => {
  if (outcome === undefined || outcome instanceof CharmError) return failed(volume, outcome);
  if (isEmptyVolume(outcome)) return recordOf(volume, { phase: 'Skipped', reason: noFiles });
  const snapshot = snapshots.get(volume.claim.name);
  if (snapshot === undefined || (outcome.exitCode !== 0 && outcome.exitCode !== someUnreadable))
    return failed(volume, jobFailure(volume.claim, outcome));
  const { id, files, bytes, added } = snapshot;
  const stored = { repository, snapshot: id, files, bytes, added };
  if (outcome.exitCode === 0) return recordOf(volume, { phase: 'Succeeded', ...stored });
  return recordOf(volume, {
    phase: 'PartiallyFailed',
    ...stored,
    code: 'volume-unreadable',
    reason: `Some files could not be read, the last of them: ${outcome.complaints.at(-1) ?? 'unknown'}. The backup has all the others.`,
  });
};

const failed = (volume: PlannedVolume, problem: CharmError | undefined): VolumeRecord =>
  recordOf(volume, {
    phase: 'Failed',
    code: problem?.code ?? 'volume-command-failed',
    reason: problem?.message ?? 'It was not begun.',
  });

export const recordOf = (
  { claim, user, stop }: PlannedVolume,
  outcome: Pick<VolumeRecord, 'phase'> & Partial<VolumeRecord>,
): VolumeRecord => ({
  namespace: claim.namespace,
  claim: claim.name,
  size: claim.size,
  accessModes: claim.accessModes,
  storageClass: claim.storageClass,
  usedBy: stop.length > 0 ? undefined : user?.pod,
  ...outcome,
});
