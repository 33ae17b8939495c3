import type { Config } from '../config/config.ts';
import { CharmError, orProblem } from '../errors.ts';
import { beginOperation, type Operation } from '../operation/operation.ts';
import { startTimeline, type Timeline } from '../operation/timeline.ts';
import { ensureClaim, type Claim } from '../repository/claim.ts';
import {
  backupIdAt,
  type BackupId,
  layoutOf,
  type Layout,
  generationOf,
} from '../repository/layout.ts';
import { reserveId } from '../repository/reserve-id.ts';
import type { Started, StartedDatabase } from '../repository/started.ts';
import { clearDebris, deleteMade } from '../retention/debris.ts';
import { countText } from '../text.ts';
import type { Target, World } from '../world.ts';
import type { BackupRequest, ReadyBackup } from './preflight.ts';

/**
 * A backup that has begun. Disposing of it also removes from S3 the objects of a set that was not
 * committed.
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
  readonly timeline: Timeline;
  /** Writes into the mark what a database has made, which is removed if the set dies. */
  readonly noteDatabase: (made: StartedDatabase) => Promise<void>;
  /**
   * Notes an object that is of no use without the manifest, to remove it unless the set is
   * committed.
   */
  removeUnlessCommitted(key: string): void;
  /**
   * The manifest is about to be sent. From now on nothing is removed, because the set may exist
   * even when the reply is lost.
   */
  committing(): void;
  /** The set is complete, and stays. */
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
    const operation = undo.use(
      await beginOperation(outside, target, {
        ...{ name: 'backup', stoppable: { ...outside, juju: ready.juju } },
      }),
    );
    const world = { ...outside, signal: operation.signal };
    const claim = await ensureClaim(target, world.model, await handedGenerations(world, ready));
    const started = world.clock.now();
    const layout = layoutOf(target.prefix);
    await clearAway(world, config, target, backupIdAt(started));
    const scales = plannedScales(ready);
    const { id, mark } = await reserveId(target.store, layout, started, { scales });
    const uncommitted: string[] = [];
    const databases: StartedDatabase[] = [];
    let noting: Promise<unknown> = Promise.resolve();
    const noteDatabase = async (made: StartedDatabase): Promise<void> => {
      databases.push(made);
      const text = JSON.stringify({ id, scales, databases });
      noting = noting.then(() => target.store.put(mark, `${text}\n`));
      await noting;
    };
    let fate: 'open' | 'unknown' | 'listed' = 'open';
    // A failure here does not matter: objects without a manifest are not a backup, and the next
    // backup removes them. The mark goes last, because the next backup looks for it.
    undo.defer(async () => {
      if (fate === 'unknown') return;
      await orProblem(async () => {
        // When another unit has taken the path over, it has removed these objects already, and may
        // have given the id to its own set.
        await operation.assertOursAtEnd();
        if (fate === 'open') await target.store.delete(uncommitted);
        if (fate === 'open' && databases.length > 0) {
          // Databases' backups have to be listed first, which takes too long for a process that is
          // asked to stop. The mark tells the next backup of them.
          if (outside.signal.aborted) return;
          await deleteMade(target.store, layout, databases);
        }
        await target.store.delete([mark]);
      });
    });
    // Scales are put back without waiting for S3.
    undo.defer(() => operation.putBackScales());
    return {
      ...operation,
      ...{ id, started, world, config, request, ready, claim, layout },
      timeline: startTimeline(world.clock),
      noteDatabase,
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

/** What the backup will change and put back. */
const plannedScales = ({ plan }: ReadyBackup): Started['scales'] =>
  [
    ...plan.databases.map(({ application, units }) => ({ application, changedTo: units })),
    ...(plan.metadataWriter ? [{ application: plan.metadataWriter, changedTo: 0 }] : []),
  ]
    .map(({ application: { name, scale }, changedTo }) => ({ application: name, scale, changedTo }))
    .filter(({ scale, changedTo }) => scale !== changedTo);

/** The generations of the paths that the databases were handed. */
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
 * Removes what dead backups left. When S3 refuses that, only space is lost, so the backup goes on.
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
