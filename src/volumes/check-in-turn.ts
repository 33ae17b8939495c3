import { CharmError, orProblem } from '../errors.ts';
import type { OpenOperation, VolumeOperation } from './operation.ts';
import { allRepositories } from './repositories.ts';
import { type RepositoryState, newestCheck, readState } from './repository-state.ts';
import type { VolumeRecord } from './session-record.ts';
import { verifyRepository } from './verify-repositories.ts';

/** Once a day at most, also when the schedule is hourly; a night may begin a little earlier. */
const pause = 20 * 3_600_000;

/**
 * Reads the next part of the data of each repository to which this session has added a backup, as
 * the option volumes-check-subset says, so that all of it is read in so many days. Resolves with
 * the damage that it found. What could not be looked at is noted, and looked at the next time:
 * never rejects with a CharmError.
 */
export const checkInTurn = async (
  operation: OpenOperation,
  volumes: readonly VolumeRecord[],
): Promise<CharmError | undefined> => {
  const { config, world, occupied } = operation;
  const names = new Set(
    volumes.flatMap(({ snapshot, repository = [] }) => (snapshot === undefined ? [] : repository)),
  );
  if (names.size === 0 || config.checkParts === 0) return undefined;
  const found = await orProblem(async () => {
    await using trusted = await operation.openTrusted();
    const { store } = trusted.target;
    const damages: CharmError[] = [];
    for (const repository of await allRepositories(store, trusted.layout)) {
      if (!names.has(repository.name) || occupied.has(repository.name)) continue;
      const readData = await nextPart(trusted, repository.name);
      if (readData === undefined) continue;
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

const nextPart = async (
  { target, layout, world, config }: VolumeOperation,
  name: string,
): Promise<string | undefined> =>
  partAfter(await readState(target.store, layout, name), config.checkParts, world.clock.now());

/** `3/28` after `2/28`. Undefined when it is too early. */
export const partAfter = (
  { checks }: Pick<RepositoryState, 'checks'>,
  parts: number,
  now: Date,
): string | undefined => {
  const last = newestCheck(checks.filter(({ kind }) => kind === 'data'));
  if (last !== undefined && now.getTime() - Date.parse(last.at) < pause) return undefined;
  const [, part = '0', of] = /^(\d+)\/(\d+)$/.exec(last?.about ?? '') ?? [];
  return `${Number(of) === parts ? (Number(part) % parts) + 1 : 1}/${parts}`;
};
