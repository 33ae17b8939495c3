import assert from 'node:assert/strict';
import fc from 'fast-check';
import { runBackup } from '../../src/backup/run-backup.ts';
import { CharmError } from '../../src/errors.ts';
import type { BackupId } from '../../src/repository/layout.ts';
import type { RestoreReport } from '../../src/restore/describe-plan.ts';
import { runRestore } from '../../src/restore/run-restore.ts';
import type { RestoreRequest } from '../../src/restore/set.ts';
import type { Verification } from '../../src/verify/verification.ts';
import { verifySet } from '../../src/verify/verify-set.ts';
import type { World } from '../../src/world.ts';
import { targetIn } from '../rigs/target.ts';
import { intercept } from '../rigs/intercept.ts';
import { aTeamWorld, type TeamWorldRig } from '../rigs/team-world.ts';
import { watchLateWrites } from './late-writes.ts';
import { anyFates, config, contents, debris, type Fate, freeze, minute } from './teams.ts';
import { request, seed } from './teams.ts';

/*
 * Units that share a restore, or a deep verification, of which some die or freeze at any request:
 * see docs/explanation/scale.md.
 */

const nameOf = (index: number): string => `artifacts/run-${String(index).padStart(5, '0')}/log`;

/** What the leader's operation gave; undefined when the leader died. */
const outcomeOf = async <T>(
  work: Promise<T>,
  dies: readonly { readonly frozen: Promise<void> }[],
): Promise<T | CharmError | undefined> => {
  const ended = await Promise.race([
    work.catch((error: unknown) => error as Error),
    ...dies.map(({ frozen }) => frozen),
  ]);
  if (ended instanceof Error && !(ended instanceof CharmError)) throw ended;
  return ended ?? undefined;
};

export const restoreIn = async (
  world: World,
  backupId: BackupId,
  changes: Partial<RestoreRequest> = {},
  options = config,
): Promise<RestoreReport> => {
  const report = await runRestore(world, options, {
    ...{ backupId, components: ['mlpipeline'], dryRun: false, deleteExtra: false },
    ...{ allowRunning: true, allowDamaged: false, thaw: false, allowUnsigned: false },
    ...{ renamed: new Map(), confirm: 'kubeflow', fromModel: undefined, takeOver: false },
    timeoutSeconds: 60,
    ...changes,
  });
  return 'plan' in report ? assert.fail('nothing was restored') : report;
};

export const verifyIn = (
  world: World,
  rig: TeamWorldRig,
  id: BackupId,
  options = config,
): Promise<Verification> => verifySet(world, options, targetIn(rig.target), { id, deep: true });

/** Most objects as in the set, some changed, some gone, and some that the set does not have. */
export const spoil = ({ source }: TeamWorldRig, count: number): void => {
  for (let index = 0; index < count; index += 3) source.seed(nameOf(index), `later ${index}`);
  for (let index = 1; index < count; index += 5) source.bucket.remove(nameOf(index));
  source.seed('artifacts/unknown', 'the set does not know it');
};

/** Damages objects of the mirror in ways that a listing shows, and in ways that it does not. */
export const damage = ({ target }: TeamWorldRig, count: number): void => {
  const mirrored = (index: number): string => `ckf/mlpipeline/${nameOf(index)}`;
  for (let index = 7; index < count; index += 97) target.bucket.remove(mirrored(index));
  for (let index = 11; index < count; index += 61) {
    const found = target.bucket.find(mirrored(index));
    if (found) Object.assign(found, { bytes: Buffer.from(found.bytes).fill('#') });
  }
  for (let index = 13; index < count; index += 151) target.seed(mirrored(index), 'other bytes');
};

/** The last one is how long a write takes in MinIO, so that who wakes up finds others at work. */
const anyRound = [
  fc.integer({ min: 2, max: 4 }),
  fc.constantFrom(510, 800, 2100),
  anyFates,
  fc.constantFrom(0, 30_000),
] as const;

const restoreRound = async (
  units: number,
  count: number,
  fates: readonly Fate[],
  pace = 0,
): Promise<void> => {
  using rig = aTeamWorld(units, config);
  seed(rig, count);
  const { manifest } = await runBackup(rig.worldOf(0), config, request);
  spoil(rig, count);
  if (pace > 0)
    intercept(rig.source, 'put', (original) => async (...words: Parameters<typeof original>) => {
      const reply = await original(...words);
      await rig.clock.sleep(pace);
      return reply;
    });
  const late = watchLateWrites(rig, units);
  const unknown = 'artifacts/unknown';
  const exact = (): void => {
    const there = new Map(contents(rig));
    assert.equal(there.get(unknown), 'the set does not know it');
    there.delete(unknown);
    assert.equal(there.size, count + 1);
    for (let index = 0; index < count; index += 1)
      assert.equal(there.get(nameOf(index)), `content ${index}`);
  };
  const frozen = freeze(rig, fates, count);
  const dies = frozen.filter(({ unit, minutes }) => unit === 0 && minutes === 'for ever');
  const outcome = await outcomeOf(
    restoreIn(rig.worlds.get(0) ?? rig.worldOf(0), manifest.id),
    dies.map(({ world }) => world),
  );
  const isLeaderStruck = frozen.some(({ unit, isStruck }) => unit === 0 && isStruck());
  if (!isLeaderStruck && outcome instanceof Error) throw outcome;
  if (outcome !== undefined && !(outcome instanceof Error)) {
    exact();
    const [bucket] = outcome.buckets;
    assert.equal(bucket?.objects, count + 1);
    assert.equal(bucket.extra, 1);
  }
  assert.deepEqual(late, []);
  rig.worlds.clear();
  await rig.clock.sleep(11 * minute);
  const again = await restoreIn(rig.worldOf(9), manifest.id);
  assert.equal(again.buckets[0]?.objects, count + 1);
  exact();
  // Users go on. Who wakes up now must not bring anything back.
  for (let index = 0; index < count; index += 2) rig.source.seed(nameOf(index), 'work of users');
  const now = contents(rig);
  for (const { world } of frozen) if (!dies.some((one) => one.world === world)) world.thaw();
  await rig.clock.sleep(minute);
  assert.deepEqual(contents(rig), now);
};

/** What does not depend on who found it. */
const findingsOf = ({ first: _, ...numbers }: Verification, notes: readonly string[]) => ({
  ...numbers,
  found: notes.filter((note) => note.startsWith('Damaged:')).toSorted(),
});

const verifyRound = async (units: number, count: number, fates: readonly Fate[]): Promise<void> => {
  using rig = aTeamWorld(units, config);
  seed(rig, count);
  const { manifest } = await runBackup(rig.worldOf(0), config, request);
  for (let index = 0; index < count; index += 4) rig.source.seed(nameOf(index), `later ${index}`);
  await runBackup(rig.worldOf(0), config, request);
  damage(rig, count);
  const one = {
    ...rig.worldOf(8),
    openJuju: () => Promise.reject(new CharmError('juju-refused', 'no')),
  };
  const expected = findingsOf(await verifyIn(one, rig, manifest.id), one.progress.notes);
  assert.ok(expected.found.length > 5);
  const leader = rig.worldOf(0);
  rig.worlds.set(0, leader);
  const frozen = freeze(rig, fates, count);
  const dies = frozen.filter(({ unit, minutes }) => unit === 0 && minutes === 'for ever');
  const outcome = await outcomeOf(
    verifyIn(rig.worlds.get(0) ?? leader, rig, manifest.id),
    dies.map(({ world }) => world),
  );
  const isLeaderStruck = frozen.some(({ unit, isStruck }) => unit === 0 && isStruck());
  if (!isLeaderStruck && outcome instanceof Error) throw outcome;
  if (outcome !== undefined && !(outcome instanceof Error))
    assert.deepEqual(findingsOf(outcome, leader.progress.notes), expected);
  // Others are not kept from the path, not even by those who do not know yet that it is over.
  rig.worlds.clear();
  await runBackup(rig.worldOf(7), config, request);
  await rig.clock.sleep(11 * minute);
  for (const { world } of frozen) if (!dies.some((dead) => dead.world === world)) world.thaw();
  await rig.clock.sleep(90 * minute);
  await runBackup(rig.worldOf(7), config, request);
  assert.deepEqual(debris(rig), []);
};

interface Rounds {
  readonly rounds: number;
  readonly seed?: number;
}

const play = (
  round: (units: number, count: number, fates: readonly Fate[], pace: number) => Promise<void>,
  { rounds, seed: random }: Rounds,
): Promise<void> =>
  fc.assert(fc.asyncProperty(...anyRound, round), {
    ...{ numRuns: rounds, endOnFailure: true },
    ...(random !== undefined && { seed: random }),
  });

/** Rejects with the fates that broke a promise of a shared restore. */
export const playTeamRestores = (rounds: Rounds): Promise<void> => play(restoreRound, rounds);

/** Rejects with the fates that broke a promise of a shared verification. */
export const playTeamVerifications = (rounds: Rounds): Promise<void> => play(verifyRound, rounds);
