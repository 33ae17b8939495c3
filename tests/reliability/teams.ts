import assert from 'node:assert/strict';
import fc from 'fast-check';
import { runBackup } from '../../src/backup/run-backup.ts';
import { CharmError, hasCode } from '../../src/errors.ts';
import { type BackupId, isBackupId } from '../../src/repository/layout.ts';
import { aConfig } from '../rigs/config.ts';
import { type FrozenWorld, frozenWorld } from '../rigs/frozen-world.ts';
import { aTeamWorld, type TeamWorldRig } from '../rigs/team-world.ts';
import { restoredFrom } from '../rigs/vault.ts';

/*
 * Units that share work, in memory, of which some die or freeze at any request: see
 * docs/explanation/scale.md.
 */

export const request = {
  allowRunning: false,
  allowShrink: true,
  takeOver: false,
  timeoutSeconds: 600,
};
export const config = aConfig({ components: ['mlpipeline'] });
export const minute = 60_000;

export const seed = ({ source }: TeamWorldRig, count: number, text = 'content'): void => {
  for (let index = 0; index < count; index += 1)
    source.seed(`artifacts/run-${String(index).padStart(5, '0')}/log`, `${text} ${index}`);
};

export const contents = ({ source }: TeamWorldRig): ReadonlyMap<string, string> =>
  new Map([...source.objects].map(([key, { bytes }]) => [key, bytes.toString()]));

export const restored = async (
  { target }: TeamWorldRig,
  id: BackupId,
): Promise<Map<string, string>> =>
  new Map([...(await restoredFrom(target, id))].map(([key, bytes]) => [key, bytes.toString()]));

export const debris = ({ target }: TeamWorldRig): string[] =>
  [...target.objects.keys()].filter((key) => /\/(shards|locks)\//.test(key));

/** Who dies or freezes, at which of its calls, and for how long. */
export interface Fate {
  readonly unit: number;
  readonly call: number;
  readonly minutes: number | 'for ever';
}

export const anyFates = fc.array(
  fc.record({
    unit: fc.integer({ min: 0, max: 3 }),
    call: fc.integer({ min: 1, max: 700 }),
    minutes: fc.constantFrom<Fate['minutes']>('for ever', 'for ever', 1, 4, 8),
  }),
  { minLength: 1, maxLength: 3 },
);

interface Struck {
  readonly unit: number;
  readonly minutes: Fate['minutes'];
  readonly world: FrozenWorld;
  readonly isStruck: () => boolean;
}

/** Objects, of which the last number is enough for two units to work on two shards at a time. */
export const anyCount = fc.constantFrom(300, 800, 2100);

/** Gives the units worlds that freeze; later where there are more objects. */
export const freeze = (
  rig: TeamWorldRig,
  fates: readonly Fate[],
  count: number,
): readonly Struck[] =>
  fates.map(({ unit, call: early, minutes }) => {
    const call = Math.ceil(early * Math.max(1, count / 800));
    let calls = 0;
    const world = frozenWorld(rig.worlds.get(unit) ?? rig.worldOf(unit), () => ++calls === call);
    rig.worlds.set(unit, world.world);
    if (minutes !== 'for ever')
      void world.frozen
        .then(() => rig.clock.sleep(minutes * minute))
        .then(() => {
          world.thaw();
        });
    return { unit, minutes, world, isStruck: () => calls >= call };
  });

const playRound = async (units: number, count: number, fates: readonly Fate[]): Promise<void> => {
  using rig = aTeamWorld(units, config);
  seed(rig, count);
  const { manifest: before } = await runBackup(rig.worldOf(0), config, request);
  const old = contents(rig);
  for (let index = 0; index < count; index += 3)
    rig.source.seed(`artifacts/run-${String(index).padStart(5, '0')}/log`, `changed ${index}`);
  const frozen = freeze(rig, fates, count);
  const leader = rig.worlds.get(0) ?? rig.worldOf(0);
  const dies = frozen.filter(({ unit, minutes }) => unit === 0 && minutes === 'for ever');
  const outcome = await Promise.race([
    runBackup(leader, config, request).then(
      ({ manifest }) => manifest,
      (error: unknown) => error,
    ),
    ...dies.map(({ world }) => world.frozen),
  ]);
  if (outcome instanceof Error && !(outcome instanceof CharmError)) throw outcome;
  const listed = new Map<BackupId, ReadonlyMap<string, string>>([[before.id, old]]);
  const note = (id: BackupId): void => void listed.set(id, contents(rig));
  const checkSets = async (): Promise<void> => {
    for (const [key] of rig.target.objects) {
      const [, id] = /^ckf\/sets\/([^/]+)\/manifest\.json$/.exec(key) ?? [];
      if (id === undefined || !isBackupId(id)) continue;
      if (!listed.has(id)) note(id);
      assert.deepEqual(await restored(rig, id), listed.get(id), id);
    }
  };
  await checkSets();
  for (let index = 1; index < count; index += 3)
    rig.source.seed(`artifacts/run-${String(index).padStart(5, '0')}/log`, `later ${index}`);
  // A leader that died comes back at once, while the others may still help the dead one. If it only
  // froze, another unit waits for its lock, and does not hear of it any more.
  const comesBack = dies.length > 0 && outcome === undefined;
  rig.worlds.clear();
  if (!comesBack) await rig.clock.sleep(11 * minute);
  const backUp = () => runBackup(rig.worldOf(comesBack ? 0 : 9), config, request);
  // It waits for units that notice, and is refused while one may still write that cannot notice.
  const next = await backUp().catch(async (error: unknown) => {
    if (!comesBack || !hasCode(error, 'backup-running')) throw error;
    await rig.clock.sleep(6 * minute);
    return backUp();
  });
  note(next.manifest.id);
  await checkSets();
  for (const { world } of frozen) if (!dies.some((one) => one.world === world)) world.thaw();
  await rig.clock.sleep(minute);
  await checkSets();
  assert.ok(listed.has(next.manifest.id) && listed.size >= 2);
  assert.deepEqual(
    debris(rig).filter((key) => key.includes('/shards/')),
    [],
  );
};

/** Rejects with the fates that broke a promise. */
export const playTeams = ({
  rounds,
  seed: random,
}: {
  rounds: number;
  seed?: number;
}): Promise<void> =>
  fc.assert(fc.asyncProperty(fc.integer({ min: 2, max: 4 }), anyCount, anyFates, playRound), {
    numRuns: rounds,
    endOnFailure: true,
    ...(random !== undefined && { seed: random }),
  });
