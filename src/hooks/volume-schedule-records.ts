import { CharmError, orProblem } from '../errors.ts';
import type { Decision } from '../schedule/decision.ts';
import type { Unused } from '../schedule/unused.ts';
import { patienceInHooks } from '../sessions/deliver.ts';
import { unlessAborted } from '../unless-aborted.ts';
import { recordUnused } from '../volumes/unused-slots.ts';
import type { Journal, World } from '../world.ts';

/** So many wait for S3 at most: what is remembered in a databag must stay small. */
const mostUnsent = 20;

/**
 * Counts what became of the times of volumes-schedule, and writes a session to S3 for those that
 * got no run. Returns those that S3 could not take; the next hook tries again. When there are none,
 * S3 is not asked.
 */
export const recordVolumeDecision = async (
  world: World,
  { unused, ended }: Decision,
  unsent: readonly Unused[],
): Promise<readonly Unused[]> => {
  const { journal } = world;
  for (const { phase, count } of unused) await countEnd(journal, phase.toLowerCase(), count);
  if (ended !== undefined && ended.retryAt === undefined)
    await countEnd(journal, ended.state === 'vanished' ? 'failed' : ended.state, 1);
  const all = [...unsent, ...unused];
  if (all.length === 0) return [];
  const late = AbortSignal.timeout(patienceInHooks);
  const problem = await orProblem(() =>
    unlessAborted(recordUnused(world, all), late).catch((error: unknown) => {
      if (error !== late.reason) throw error;
      throw new CharmError('store-unreachable', 'S3 did not answer in time.');
    }),
  );
  return problem instanceof CharmError ? all.slice(-mostUnsent) : [];
};

/** For the metric. When the journal cannot be written, the status says so. */
const countEnd = async (journal: Journal, outcome: string, times: number): Promise<void> => {
  await orProblem(() => journal.countRun(`volumes/${outcome}`, times));
};
