import pLimit, { type LimitFunction } from 'p-limit';
import { CharmError, orProblem } from '../../errors.ts';
import { inTurns } from '../../in-turns.ts';
import { listText } from '../../text.ts';
import { backupsToRemove, wrongClock } from './keep-policy.ts';
import { type OpenOperation, type VolumeOperation, withPartOfLimit } from '../records/operation.ts';
import { occupiedRepository } from '../restic/repository-command.ts';
import { actionAgain, foundDamaged, readState } from '../records/repository-state.ts';
import { removeBackups } from './remove-backups.ts';
import type { RemovedBackup, SessionRecord, VolumeRecord } from '../records/session-record.ts';
import { type RepositoryBackups, surveyBackups } from '../records/survey-backups.ts';
import { thinSessions } from './thin-sessions.ts';

/*
 * This folder decides which backups of users' volumes are kept, and removes the others.
 */

/**
 * Removes the backups that the option volumes-keep does not keep, from the repositories to which
 * this session has added one; where no new backup could be made, the old ones stay. A repository in
 * which that fails keeps its backups, and the next session tries again: never rejects with a
 * CharmError, because the backups of the session are good. To be called when its record has them.
 * Afterwards old records of sessions go that have nothing to tell.
 */
export const keepBackups = async (
  operation: OpenOperation,
  volumes: readonly VolumeRecord[],
): Promise<Pick<SessionRecord, 'removed' | 'notRemoved'>> => {
  const names = new Set(
    volumes.flatMap(({ snapshot, repository = [] }) => (snapshot === undefined ? [] : repository)),
  );
  if (names.size === 0) return {};
  const removed: RemovedBackup[] = [];
  const problem = await orProblem(async () => {
    await using trusted = await operation.openTrusted();
    const { target, layout, session, world } = trusted;
    const written = (await target.store.head(layout.volumeSession(session)))?.lastModified;
    const clock = world.clock.now();
    const { repositories, newest } = await surveyBackups(target.store, layout);
    const wrong = wrongClock(newest, clock, written);
    if (wrong !== undefined) throw wrong;
    const problems: CharmError[] = [];
    const alone = pLimit(1);
    const atATime = Math.min(trusted.config.parallel, names.size);
    const each = withPartOfLimit(trusted, atATime);
    await inTurns(atATime, [...names], async (name) => {
      const known = repositories.get(name) ?? { backups: [], unforgotten: [] };
      const done = await orProblem(() => keepInRepository(each, name, known, alone));
      if (done instanceof CharmError) problems.push(done);
      else removed.push(...done);
      world.signal.throwIfAborted();
    });
    await thinSessions(target.store, layout);
    if (problems[0] !== undefined) throw summedUp(problems[0], problems, names.size);
  });
  operation.world.signal.throwIfAborted();
  return {
    ...(removed.length > 0 && { removed }),
    ...(problem instanceof CharmError && { notRemoved: problem.message }),
  };
};

const keepInRepository = async (
  trusted: VolumeOperation,
  repository: string,
  { backups, unforgotten }: RepositoryBackups,
  alone: LimitFunction,
): Promise<readonly RemovedBackup[]> => {
  const { target, layout, config, occupied } = trusted;
  const chosen = backupsToRemove(backups, config.keep);
  const state = await readState(target.store, layout, repository);
  if (chosen.length === 0 && unforgotten.length === 0 && !state.unpruned) return [];
  if (occupied.has(repository)) throw occupiedRepository(repository);
  const damage = foundDamaged(state);
  if (damage !== undefined)
    throw new CharmError(
      'volume-damaged',
      `The repository ${repository} was found damaged on ${damage.at.slice(0, 10)}, so all its backups stay: an old one may be the only one that is whole. When it is mended, run: ${actionAgain(damage)}`,
    );
  const wish = { chosen, unforgotten, prune: { days: config.pruneDays }, alone };
  return (await removeBackups(trusted, repository, wish)).removed;
};

const summedUp = (first: CharmError, problems: readonly CharmError[], all: number): CharmError =>
  problems.length === 1
    ? first
    : new CharmError(
        first.code,
        `In ${problems.length} of ${all} repositories old backups could not be removed: ${listText(
          problems.map(({ message }) => message),
          2,
          400,
        )}`,
        { problems },
      );
