import pLimit from 'p-limit';
import type { VolumesConfig } from '../config/volumes.ts';
import { CharmError, orProblem } from '../errors.ts';
import { layoutOf } from '../repository/layout.ts';
import { countText } from '../text.ts';
import type { World } from '../world.ts';
import { protectedBackups } from './retention/keep-policy.ts';
import { keyFingerprint } from './restic/keys.ts';
import { timeOfSession } from './records/names.ts';
import { beginVolumeOperation } from './begin-operation.ts';
import type { VolumeOperation } from './records/operation.ts';
import { matches } from './claims/policy.ts';
import { removeBackups } from './retention/remove-backups.ts';
import { keyChanged, readRepository } from './repositories/repositories.ts';
import { noteOthers } from './restic/repository-locks.ts';
import { readState } from './records/repository-state.ts';
import type { RemovedBackup, SessionRecord } from './records/session-record.ts';
import type { StoredBackup } from './records/stored-backups.ts';
import { type BackupSurvey, isRepositoryOf, surveyBackups } from './records/survey-backups.ts';

export interface DeleteBackupsRequest {
  /** `<namespace>/<claim>`, of which the claim may have * and ?. */
  readonly volume: string;
  readonly which:
    | { readonly kind: 'session'; readonly session: string }
    /** Milliseconds. */
    | { readonly kind: 'older'; readonly than: number }
    | { readonly kind: 'all' };
  readonly dryRun: boolean;
}

export interface DeleteBackupsReport {
  readonly chosen: readonly StoredBackup[];
  /** Those that would have gone, if they were not the last of their volume. */
  readonly spared: readonly StoredBackup[];
  /** Undefined of a dry run. */
  readonly done:
    | {
        readonly session: string;
        readonly removed: readonly RemovedBackup[];
        /** Bytes that were given back. */
        readonly freed: number;
      }
    | undefined;
}

/**
 * Removes backups of volumes for good, and gives their space back. Of each volume the newest backup
 * and the newest complete one stay, unless the volume is named without a pattern and so is what is
 * to go: the session, or all. Rejects with `volume-backup-missing` when there is no such backup,
 * and with `volume-locked` when somebody else works on the repository; nothing was removed then.
 */
export const deleteBackups = async (
  world: World,
  config: VolumesConfig,
  request: DeleteBackupsRequest,
): Promise<DeleteBackupsReport> => {
  if (request.dryRun) {
    const target = await world.openTarget();
    await using _store = target.store;
    const survey = await surveyBackups(target.store, layoutOf(target.prefix));
    const looked = choose(survey, request, world);
    if (looked.chosen.length + looked.spared.length === 0)
      throw nothingFound(request, looked, world.application);
    return { ...looked, done: undefined };
  }
  await using operation = await beginVolumeOperation(world, config);
  const { session, layout } = operation;
  const started = world.clock.now().toISOString();
  await using trusted = await operation.openTrusted();
  const survey = await surveyBackups(trusted.target.store, layout);
  const chosen = choose(survey, request, world);
  const names = await repositoriesToDo(trusted, survey, request, chosen.chosen);
  if (names.length === 0) throw nothingFound(request, chosen, world.application);
  for (const name of names) {
    const record = await readRepository(trusted.target.store, layout, name);
    const key = keyFingerprint(trusted.access.key);
    if (record !== undefined && record.key !== key)
      throw keyChanged(record, key, world.application);
    await noteOthers(trusted, name);
  }
  const record: SessionRecord = {
    ...{ id: session, kind: 'delete', started, phase: 'Running', volumes: [] },
    repositories: names,
  };
  await operation.start(record);
  const removed: RemovedBackup[] = [];
  let freed = 0;
  const end = async (phase: 'Succeeded' | 'Failed', notRemoved?: string): Promise<void> =>
    operation.end({
      ...{ ...record, phase, removed, notRemoved },
      finished: world.clock.now().toISOString(),
    });
  const alone = pLimit(1);
  const problem = await orProblem(async () => {
    for (const name of names) {
      await operation.world.progress.step(`${name}: removing backups`);
      const done = await removeBackups(trusted, name, {
        chosen: chosen.chosen.filter(({ volume }) => volume.repository === name),
        unforgotten: survey.repositories.get(name)?.unforgotten ?? [],
        ...{ prune: 'now', alone },
      });
      removed.push(...done.removed);
      freed += done.freed ?? 0;
    }
  });
  if (problem instanceof CharmError) {
    await end('Failed', problem.message);
    throw problem;
  }
  await end('Succeeded');
  return { ...chosen, done: { session, removed, freed } };
};

/** What goes, and what stays because it is the last. */
const choose = (
  { repositories }: BackupSurvey,
  { volume: pattern, which }: DeleteBackupsRequest,
  { clock }: Pick<World, 'clock'>,
): Pick<DeleteBackupsReport, 'chosen' | 'spared'> => {
  const now = clock.now().getTime();
  const isMeant = ({ session }: StoredBackup): boolean => {
    if (which.kind === 'session') return session === which.session;
    const age = now - (timeOfSession(session)?.getTime() ?? now);
    return which.kind === 'all' || age > which.than;
  };
  const isNamed = !/[*?]/.test(pattern) && which.kind !== 'older';
  const chosen: StoredBackup[] = [];
  const spared: StoredBackup[] = [];
  for (const { backups } of repositories.values()) {
    const last = protectedBackups(backups);
    for (const backup of backups) {
      const { namespace, claim } = backup.volume;
      if (!matches(pattern, `${namespace}/${claim}`)) continue;
      if (isMeant(backup)) (last.has(backup) && !isNamed ? spared : chosen).push(backup);
    }
  }
  return { chosen, spared };
};

/**
 * Those from which backups go, and those of the namespace in which an earlier removal was killed
 * before its end.
 */
const repositoriesToDo = async (
  { target, layout }: VolumeOperation,
  { repositories }: BackupSurvey,
  { volume }: DeleteBackupsRequest,
  chosen: readonly StoredBackup[],
): Promise<readonly string[]> => {
  const names = new Set(chosen.map((backup) => backup.volume.repository));
  const [namespace = ''] = volume.split('/');
  for (const name of repositories.keys())
    if (isRepositoryOf(namespace, name) && (await readState(target.store, layout, name)).unpruned)
      names.add(name);
  return [...names];
};

const nothingFound = (
  { volume, which }: DeleteBackupsRequest,
  { spared }: Pick<DeleteBackupsReport, 'spared'>,
  application: string,
): CharmError =>
  new CharmError(
    'volume-backup-missing',
    spared.length > 0
      ? `The only ${countText(spared.length, 'backup')} of ${volume} that could go are the last ones of their volumes. Nothing was removed. Name the volume in full, with backup=<id> or all=true, to remove its last one.`
      : `There is no backup ${which.kind === 'session' ? `${which.session} ` : ''}of ${volume} that could go. Nothing was removed. Run: juju run ${application}/leader list-volume-backups volume=<namespace>/<claim>`,
  );
