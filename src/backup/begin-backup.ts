import type { Config } from '../config/config.ts';
import { CharmError, orProblem } from '../errors.ts';
import { beginOperation, type Operation } from '../operation/operation.ts';
import { ensureClaim, type Claim } from '../repository/claim.ts';
import {
  backupIdAt,
  type BackupId,
  layoutOf,
  type Layout,
  generationOf,
} from '../repository/layout.ts';
import { reserveId } from '../repository/reserve-id.ts';
import { clearDebris } from '../retention/debris.ts';
import { countText } from '../text.ts';
import type { Target, World } from '../world.ts';
import type { BackupRequest, ReadyBackup } from './preflight.ts';

/**
 * A backup on its way. Disposing of it also removes what a set that was not committed left in S3.
 */
export interface Backup extends Operation {
  readonly id: BackupId;
  readonly started: Date;
  readonly world: World;
  readonly config: Config;
  readonly request: BackupRequest;
  readonly ready: ReadyBackup;
  readonly claim: Claim;
  readonly layout: Layout;
  /** An object that is of no use without the manifest. */
  removeUnlessCommitted(key: string): void;
  /**
   * The manifest is sent: from now on nothing is taken away, because it may be listed although its
   * reply is lost.
   */
  committing(): void;
  /** The set is listed, and stays. */
  committed(): void;
}

export const beginBackup = async (
  outside: World,
  config: Config,
  request: BackupRequest,
  ready: ReadyBackup,
): Promise<Backup> => {
  const { target } = ready;
  const undo = new AsyncDisposableStack();
  try {
    const operation = undo.use(await beginOperation(outside, target, { name: 'backup' }));
    const world = { ...outside, signal: operation.signal };
    const claim = await ensureClaim(target, world.model, await handedGenerations(world, ready));
    const started = world.clock.now();
    const layout = layoutOf(target.prefix);
    await clearAway(world, config, target, backupIdAt(started));
    const { id, mark } = await reserveId(target.store, layout, started);
    const uncommitted: string[] = [];
    let fate: 'open' | 'unknown' | 'listed' = 'open';
    // What stays without a manifest is not a backup, and the next backup clears it away, so a
    // failure here is no failure. The mark goes last, for it is what the next one looks for.
    undo.defer(async () => {
      if (fate === 'unknown') return;
      await orProblem(async () => {
        // Another unit that took the path over has cleared this away, and may have given the id to
        // its own set.
        await operation.assertOursAtEnd();
        if (fate === 'open') await target.store.delete(uncommitted);
        await target.store.delete([mark]);
      });
    });
    // Applications do not wait for S3.
    undo.defer(() => operation.putBackScales());
    return {
      ...operation,
      ...{ id, started, world, config, request, ready, claim, layout },
      removeUnlessCommitted: (key) => uncommitted.push(key),
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

/**
 * Removes what dead backups left. Only space is lost when that is refused, so the backup goes on.
 */
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
