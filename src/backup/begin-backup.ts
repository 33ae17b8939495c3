import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { CharmError, orProblem, reasonOf } from '../errors.ts';
import { announceBackup, clearDebris } from '../retention/debris.ts';
import type { Target, World } from '../world.ts';
import {
  backupIdAt,
  type BackupId,
  layoutOf,
  type Layout,
  generationOf,
} from '../repository/layout.ts';
import { ensureClaim, type Claim } from '../repository/claim.ts';
import { startHeartbeat, type Heartbeat } from '../operation/heartbeat.ts';
import type { HeldScale } from '../operation/hold-scale.ts';
import { takeLock } from '../repository/lock.ts';
import type { BackupRequest, ReadyBackup } from './preflight.ts';
import { countText } from '../text.ts';

/**
 * A backup on its way. Disposing of it, however the story ended, puts every scale back, takes away what a set that was not committed
 * left in S3, and gives the path free.
 */
export interface Backup extends AsyncDisposable {
  readonly id: BackupId;
  readonly started: Date;
  readonly world: World;
  readonly config: Config;
  readonly request: BackupRequest;
  readonly ready: ReadyBackup;
  readonly claim: Claim;
  readonly layout: Layout;
  readonly heartbeat: Heartbeat;
  /** A directory for this backup's files. */
  readonly scratch: string;
  /** Sees to it that a scale is put back at the end. */
  hold(scale: HeldScale): void;
  /** Puts back every scale that is held; rejects when one could not be, after all were tried. */
  putBackScales(): Promise<void>;
  /** An object that is of no use without the manifest. */
  owe(key: string): void;
  /** Rejects when somebody else has taken the path meanwhile; otherwise the set may be committed. */
  assertOurs(): Promise<void>;
  /** The manifest is sent: from now on nothing is taken away, because it may be listed although its reply is lost. */
  committing(): void;
  /** The set is listed, and stays. */
  committed(): void;
}

export const beginBackup = async (
  world: World,
  config: Config,
  request: BackupRequest,
  ready: ReadyBackup,
): Promise<Backup> => {
  const { target } = ready;
  const undo = new AsyncDisposableStack();
  try {
    const lock = undo.use(
      await takeLock(target, world.clock, { modelUuid: world.model.uuid, unit: world.unit }),
    );
    const claim = await ensureClaim(target, world.model, await handedGenerations(world, ready));
    const scratch = join(world.scratch, 'ckf-backup');
    await mkdir(scratch, { recursive: true });
    undo.defer(() => rm(scratch, { recursive: true, force: true }));
    const heartbeat = undo.use(startHeartbeat(world));
    const started = world.clock.now();
    const id = backupIdAt(started);
    const layout = layoutOf(target.prefix);
    await clearAway(world, config, target, id);
    const { key: mark } = await announceBackup(target.store, layout, id);
    const owed: string[] = [];
    let fate: 'open' | 'unknown' | 'listed' = 'open';
    const scales: HeldScale[] = [];
    const putBackScales = async (): Promise<void> => {
      const outcomes = await Promise.allSettled(scales.splice(0).map((scale) => scale.putBack()));
      const failed = outcomes.flatMap((outcome): unknown[] =>
        outcome.status === 'rejected' ? [outcome.reason] : [],
      );
      if (failed.length > 0) throw oneOf(failed);
    };
    // Deleting is a courtesy here: what stays without a manifest is not a backup, and the next one clears it away.
    // The mark goes last, for it is what the next one looks for.
    undo.defer(async () => {
      if (fate === 'unknown') return;
      await orProblem(async () => {
        if (fate === 'open') await target.store.delete(owed);
        await target.store.delete([mark]);
      });
    });
    undo.defer(putBackScales);
    return {
      id,
      started,
      world,
      config,
      request,
      ready,
      claim,
      layout,
      heartbeat,
      scratch,
      hold: (scale) => scales.push(scale),
      putBackScales,
      owe: (key) => owed.push(key),
      assertOurs: () => lock.assertHeld(),
      committing: () => (fate = 'unknown'),
      committed: () => (fate = 'listed'),
      [Symbol.asyncDispose]: () => undo.disposeAsync(),
    };
  } catch (error) {
    await undo.disposeAsync();
    throw error;
  }
};

/** Of the databases that get their path from us. */
const handedGenerations = async (
  world: World,
  { plan, target }: ReadyBackup,
): Promise<Claim['generations']> => {
  const generations: Record<string, number> = {};
  for (const { component, isRelated } of plan.databases) {
    const path = isRelated ? await world.handedPath(component) : undefined;
    const generation = generationOf(layoutOf(target.prefix), component, path);
    if (generation !== undefined) generations[component] = generation;
  }
  return generations;
};

/** Removes what dead backups left. Only space is lost when that is refused, so the backup goes on. */
const clearAway = async (
  { progress }: World,
  { sourceBuckets }: Config,
  target: Target,
  id: BackupId,
): Promise<void> => {
  const layout = layoutOf(target.prefix);
  const cleared = await orProblem(() =>
    clearDebris(target, layout, { olderThan: id, buckets: sourceBuckets }),
  );
  if (cleared instanceof CharmError)
    await progress.note(`What dead backups left in S3 stays for now: ${cleared.message}`);
  else if (cleared.backups.length > 0)
    await progress.note(
      `Removed ${countText(cleared.objects, 'object')} that dead backups left: ${cleared.backups.join(', ')}`,
    );
};

const oneOf = (errors: readonly unknown[]): unknown =>
  errors.length === 1
    ? errors[0]
    : new CharmError('scale-refused', errors.map(reasonOf).join(' '), { cause: errors[0] });
