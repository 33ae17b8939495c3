import { CharmError, orProblem } from '../errors.ts';
import type { OpenOperation, VolumeOperation } from './records/operation.ts';
import type { ObjectStore } from '../world.ts';
import { type RepositoryRecord, allRepositories } from './repositories/repositories.ts';
import {
  type RepositoryCheck,
  type RepositoryState,
  newestCheck,
  readState,
} from './records/repository-state.ts';
import { verifyRepository } from './verify-repositories.ts';

/** Once a day at most, also when the schedule is hourly; a night may begin a little earlier. */
const pause = 20 * 3_600_000;

/**
 * Reads the next part of the data of each repository, as the option volumes-check-subset says, so
 * that all of it is read in so many days; also of those that get no new backups, whose old ones are
 * all that is left of a volume. That which was looked at longest ago comes first. Resolves with the
 * damage that it found. What could not be looked at is noted, and looked at the next time: never
 * rejects with a CharmError.
 */
export const checkInTurn = async (operation: OpenOperation): Promise<CharmError | undefined> => {
  const { config, world } = operation;
  if (config.checkParts === 0) return undefined;
  const found = await orProblem(async () => {
    await using trusted = await operation.openTrusted();
    const damages: CharmError[] = [];
    for (const { repository, readData } of await repositoriesDue(trusted)) {
      const { problem } = await verifyRepository(trusted, repository, readData);
      if (problem?.code === 'volume-damaged') damages.push(problem);
      if (problem !== undefined) await world.progress.note(problem.message);
      world.signal.throwIfAborted();
    }
    return damages[0];
  });
  world.signal.throwIfAborted();
  if (!(found instanceof CharmError) || found.code === 'volume-damaged') return found;
  await world.progress.note(`The repositories could not be checked: ${found.message}`);
  return undefined;
};

interface DueRepository {
  readonly repository: RepositoryRecord;
  readonly readData: string;
}

const repositoriesDue = async ({
  target: { store },
  layout,
  world,
  config,
  occupied,
}: VolumeOperation): Promise<readonly DueRepository[]> => {
  const due: (DueRepository & { readonly last: number })[] = [];
  for (const repository of await allRepositories(store, layout)) {
    const { name } = repository;
    if (occupied.has(name) || (await isEmpty(store, layout.repository(name)))) continue;
    const state = await readState(store, layout, name);
    const readData = partAfter(state, config.checkParts, world.clock.now());
    const last = Date.parse(lastRead(state)?.at ?? '') || 0;
    if (readData !== undefined) due.push({ repository, readData, last });
  }
  return due.sort((one, other) => one.last - other.last);
};

/** It was never made: its record is written first. */
const isEmpty = async (store: ObjectStore, place: string): Promise<boolean> => {
  for await (const _ of store.list(place)) return false;
  return true;
};

const lastRead = ({ checks }: Pick<RepositoryState, 'checks'>): RepositoryCheck | undefined =>
  newestCheck(checks.filter(({ kind }) => kind === 'data'));

/** `3/28` after `2/28`. Undefined when it is too early. */
export const partAfter = (
  state: Pick<RepositoryState, 'checks'>,
  parts: number,
  now: Date,
): string | undefined => {
  const last = lastRead(state);
  if (last !== undefined && now.getTime() - Date.parse(last.at) < pause) return undefined;
  const [, part = '0', of] = /^(\d+)\/(\d+)$/.exec(last?.about ?? '') ?? [];
  return `${Number(of) === parts ? (Number(part) % parts) + 1 : 1}/${parts}`;
};
