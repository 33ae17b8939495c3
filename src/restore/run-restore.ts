import type { Config } from '../config/config.ts';
import { CharmError, reasonOf } from '../errors.ts';
import { unlessRemoved } from '../operation/own-removal.ts';
import type { World } from '../world.ts';
import { beginRestore, type Restore } from './begin-restore.ts';
import { restoreBuckets } from './buckets.ts';
import { restoreDatabase, type RestoredDatabase } from './databases.ts';
import { planText, type RestoreReport } from './describe-plan.ts';
import { restoreMlmd } from './mlmd.ts';
import { preflight, type ReadyRestore } from './preflight.ts';
import type { RestoreRequest } from './set.ts';

/*
 * This folder is the operation restore. This file has the story; each component has a chapter of
 * the same name.
 */

/** What a restore would do. */
interface RestorePlan {
  readonly components: readonly string[];
  readonly plan: readonly string[];
}

/**
 * Puts a backup set back: the objects first, then ML Metadata, which refers to them, then the
 * databases, which refer to both. Before anything is changed, the set and everything that a restore
 * needs are checked. A step that fails ends the restore, and every scale is put back. A restore can
 * always be run again, because each of its steps can be.
 */
export const runRestore = async (
  world: World,
  config: Config,
  request: RestoreRequest,
): Promise<RestoreReport | RestorePlan> => {
  const { progress } = world;
  await progress.step(`Checking whether the set ${request.backupId} can be restored`);
  await using ready = await preflight(world, config, request);
  for (const warning of ready.warnings) await progress.note(`Warning: ${warning}`);
  const { components } = ready;
  if (request.dryRun) return { components, plan: await planText(ready, request) };

  return await unlessRemoved(world, ready.juju, () => restoreSet(world, config, request, ready));
};

const restoreSet = async (
  world: World,
  config: Config,
  request: RestoreRequest,
  ready: ReadyRestore,
): Promise<RestoreReport> => {
  const { progress } = world;
  const { components } = ready;
  await using restore = await beginRestore(world, config, request, ready);
  const steps = new Steps(restore);

  await steps.announce('bringing the objects back', 'mlpipeline');
  const buckets = await steps.take(['mlpipeline'], () => restoreBuckets(restore));

  await steps.announce('restoring ML Metadata', 'mlmd');
  const mlmd = await steps.take(['mlmd'], () => restoreMlmd(restore));

  const databases: RestoredDatabase[] = [];
  for (const plan of ready.plan.databases) {
    await steps.announce(`restoring ${plan.application.name}`, plan.component);
    databases.push(await steps.take([plan.component], () => restoreDatabase(restore, plan)));
  }

  await progress.step(`The set ${request.backupId} is restored: putting scales back`);
  return { components, buckets, mlmd, databases };
};

/** Knows which steps are done, for the message of a step that fails. */
class Steps {
  readonly #restore: Restore;
  readonly #done: string[] = [];

  constructor(restore: Restore) {
    this.#restore = restore;
  }

  async announce(doing: string, component: string): Promise<void> {
    const { world, request, ready } = this.#restore;
    if (ready.components.includes(component))
      await world.progress.step(`Restore of ${request.backupId}: ${doing}`);
  }

  async take<T>(components: readonly string[], work: () => Promise<T>): Promise<T> {
    try {
      await this.#restore.assertOurs();
      const result = await work();
      this.#done.push(...components);
      return result;
    } catch (error) {
      throw error instanceof CharmError ? this.#failure(error) : error;
    }
  }

  #failure(error: CharmError): CharmError {
    const { ready, request } = this.#restore;
    const { components, plan } = ready;
    // In the order of the steps, not of the manifest.
    const order = ['mlpipeline', 'mlmd', ...plan.databases.map(({ component }) => component)];
    const wanted = order.filter((component) => components.includes(component));
    const done = wanted.filter((component) => this.#done.includes(component));
    const open = wanted.filter((component) => !done.includes(component));
    return new CharmError(
      error.code,
      `${reasonOf(error)} Restored: ${done.join(', ') || 'nothing'}. Not, or not completely, restored: ${open.join(', ')}. When the cause is gone, run` +
        ` the action again for the rest with components=${open.join(',')}; it goes on from there.`,
      {
        cause: error,
        results: {
          'backup-id': request.backupId,
          restored: done.join(',') || 'none',
          'not-restored': open.join(','),
        },
      },
    );
  }
}
