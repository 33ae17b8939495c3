import type { VolumesConfig } from '../config/volumes.ts';
import { CharmError, orProblem } from '../errors.ts';
import { sum } from '../text.ts';
import type { World } from '../world.ts';
import { type CheckFindings, damageOf, readCheck, readTestRestore } from './restic/check-output.ts';
import { keyFingerprint } from './restic/keys.ts';
import { beginVolumeOperation } from './begin-operation.ts';
import type { VolumeOperation } from './records/operation.ts';
import { allRepositories, keyChanged, type RepositoryRecord } from './repositories/repositories.ts';
import { endOnRepository, occupiedRepository } from './restic/repository-command.ts';
import { restorable } from './restic/restic.ts';
import { clearLocks } from './restic/repository-locks.ts';
import {
  type CheckKind,
  type RepositoryCheck,
  changeState,
  withCheck,
} from './records/repository-state.ts';
import type { RepositoryCommand } from './pods/trusted-pods.ts';
import type { SessionRecord } from './records/session-record.ts';
import { type StoredBackup, type VolumeName, findBackup } from './records/stored-backups.ts';

export interface VerifyRequest {
  /** Undefined for all. */
  readonly namespace: string | undefined;
  /** `n/t`: which part of the stored data is read. Undefined: none. */
  readonly readData: string | undefined;
  /** The volume whose newest backup is restored into a place of its own. */
  readonly testRestore: VolumeName | undefined;
}

export interface VerifiedRepository {
  readonly name: string;
  /** What was looked at, in this order; the last one may have found damage. */
  readonly checks: readonly RepositoryCheck[];
  /** Damage, or why it could not be looked at. */
  readonly problem: CharmError | undefined;
}

/**
 * Looks whether repositories can be restored from, one after another, and keeps what it found in
 * the state of each. Changes nothing else in a repository. Resolves also when some are damaged, or
 * could not be looked at. Rejects with `volume-backup-missing` when there are none.
 */
export const verifyRepositories = async (
  world: World,
  config: VolumesConfig,
  request: VerifyRequest,
): Promise<{ readonly session: string; readonly verified: readonly VerifiedRepository[] }> => {
  await using operation = await beginVolumeOperation(world, config);
  const { session, target, layout } = operation;
  const { namespace, testRestore } = request;
  const backup = testRestore && (await findBackup(target, layout, testRestore, { kind: 'latest' }));
  const repositories = (await allRepositories(target.store, layout)).filter(
    (record) =>
      (namespace === undefined || record.namespace === namespace) &&
      (backup === undefined || record.name === backup.volume.repository),
  );
  if (repositories.length === 0)
    throw new CharmError(
      'volume-backup-missing',
      `There is no repository${namespace === undefined ? '' : ` of the namespace ${namespace}`}, so there is nothing to verify. Run: juju run ${world.application}/leader volume-status`,
    );
  const record: SessionRecord = {
    ...{ id: session, kind: 'verify', phase: 'Running', volumes: [] },
    started: world.clock.now().toISOString(),
    repositories: repositories.map(({ name }) => name),
  };
  await using trusted = await operation.openTrusted();
  await operation.start(record);
  const verified: VerifiedRepository[] = [];
  for (const repository of repositories) {
    verified.push(await verifyRepository(trusted, repository, request.readData, backup));
    world.signal.throwIfAborted();
  }
  const sound = verified.filter(({ problem }) => problem === undefined).length;
  await operation.end({
    ...record,
    phase: sound === verified.length ? 'Succeeded' : sound === 0 ? 'Failed' : 'PartiallyFailed',
    finished: world.clock.now().toISOString(),
  });
  return { session, verified };
};

/** Of one repository, in a session that has the keys that may delete. */
export const verifyRepository = async (
  operation: VolumeOperation,
  repository: RepositoryRecord,
  readData: string | undefined,
  backup?: StoredBackup,
): Promise<VerifiedRepository> => {
  const { target, layout, world, access } = operation;
  const { store } = target;
  const { name } = repository;
  const checks: RepositoryCheck[] = [];
  const keep = async (
    kind: CheckKind,
    about: string | undefined,
    look: () => Promise<CheckFindings>,
  ): Promise<void> => {
    const began = world.clock.now();
    const { intact, errors, packs } = await look();
    const seconds = (world.clock.now().getTime() - began.getTime()) / 1000;
    const check = { kind, about, at: began.toISOString(), intact, seconds, errors, packs };
    checks.push(check);
    await changeState(store, layout, name, (state) => ({
      ...state,
      checks: withCheck(state.checks, check),
    }));
    if (!intact) throw damageOf(name, layout.repository(name), check);
  };
  const problem = await orProblem(async () => {
    await world.progress.step(`${name}: checking the repository`);
    if (repository.key !== keyFingerprint(access.key))
      throw keyChanged(repository, keyFingerprint(access.key), world.application);
    if (await clearLocks(store, layout, name, world.clock.now())) throw occupiedRepository(name);
    // Who was killed has left one.
    await using after = new AsyncDisposableStack();
    after.defer(async () => {
      await clearLocks(store, layout, name, world.clock.now());
    });
    const run = (wish: RepositoryCommand) => endOnRepository(operation, name, wish);
    await keep(readData === undefined ? 'check' : 'data', readData, async () =>
      readCheck(name, await run(checkCommand(readData))),
    );
    if (backup === undefined) return;
    const { claim } = backup.volume;
    await world.progress.step(`${name}: restoring ${claim} of ${backup.session} for a test`);
    await keep('restore', `${claim} ${backup.session}`, async () =>
      readTestRestore(name, await run(testRestoreCommand(backup))),
    );
  });
  return { name, checks, problem: problem instanceof CharmError ? problem : undefined };
};

const checkCommand = (readData: string | undefined): RepositoryCommand => ({
  task: 'check',
  isLong: true,
  command: [
    ...['check', '--json', '--no-cache'],
    ...(readData === undefined ? [] : ['--read-data-subset', readData]),
  ],
});

/** Into the pod's own disk; restic reads back what it wrote, and compares. */
const testRestoreCommand = ({ volume }: StoredBackup): RepositoryCommand => ({
  task: 'test-restore',
  isLong: true,
  command: [
    ...['restore', volume.snapshot, '--json', '--quiet', '--verify'],
    ...['--target', '/tmp/restored'],
    ...restorable,
  ],
  room: volume.bytes ?? 0,
});

/** How many things were found wrong. */
export const errorCount = (verified: readonly VerifiedRepository[]): number =>
  sum(
    verified.map(({ checks, problem }) =>
      problem === undefined ? 0 : Math.max(1, sum(checks.map(({ errors }) => errors.length))),
    ),
  );
