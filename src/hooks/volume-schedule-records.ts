import { CharmError, orProblem } from '../errors.ts';
import type { Decision } from '../schedule/decision.ts';
import type { EndedRun } from '../schedule/current-run.ts';
import { patienceInHooks } from '../sessions/deliver.ts';
import { unlessAborted } from '../unless-aborted.ts';
import { tellOfUnused } from '../volumes/tell-of-volumes.ts';
import { type Unrecorded, recordUnused } from '../volumes/records/unused-slots.ts';
import type { Journal, World } from '../world.ts';

/** So many wait for S3 at most: what is remembered in a databag must stay small. */
const mostUnsent = 20;

/**
 * Counts what became of the times of volumes-schedule, and writes a session to S3 for those that
 * got no run, or whose run ended before it could write one. Returns those that S3 could not take;
 * the next hook tries again. When there are none, S3 is not asked. Who is to be told hears of them,
 * once.
 */
export const recordVolumeDecision = async (
  world: World,
  { unused, ended }: Decision,
  unsent: readonly Unrecorded[],
): Promise<readonly Unrecorded[]> => {
  const { journal } = world;
  for (const { phase, count } of unused) await countEnd(journal, phase.toLowerCase(), count);
  for (const { state, retryAt } of ended)
    if (retryAt === undefined) await countEnd(journal, state === 'vanished' ? 'failed' : state, 1);
  const dead = ended.flatMap(deadRun);
  const all = [...unsent, ...unused, ...dead];
  for (const slots of [...unused, ...dead])
    if (slots.phase !== 'Failed') await tellOfUnused(world, slots);
  if (all.length === 0) return [];
  const late = AbortSignal.timeout(patienceInHooks);
  const written = await orProblem(() =>
    unlessAborted(recordUnused(world, all), late).catch((error: unknown) => {
      if (error !== late.reason) throw error;
      throw new CharmError('store-unreachable', 'S3 did not answer in time.');
    }),
  );
  if (written instanceof CharmError) return all.slice(-mostUnsent);
  // A run that failed has told of it itself, unless it left no session.
  for (const slots of written) if (slots.phase === 'Failed') await tellOfUnused(world, slots);
  return [];
};

/** For the metric. When the journal cannot be written, the status says so. */
const countEnd = async (journal: Journal, outcome: string, times: number): Promise<void> => {
  await orProblem(() => journal.countRun(`volumes/${outcome}`, times));
};

/** What to write of a run when it has left no session itself. */
const deadRun = ({ slot, task, state }: EndedRun): readonly Unrecorded[] => {
  if (state === 'succeeded') return [];
  const one = { first: slot, last: slot, count: 1 };
  if (state === 'skipped')
    return [{ ...one, phase: 'Skipped', reason: 'Another session of volumes was at work.' }];
  const what = {
    failed: 'failed before it could begin',
    cancelled: 'was cancelled',
    vanished: 'vanished',
  }[state];
  return [{ ...one, phase: 'Failed', reason: `Its task ${what}. See juju show-task ${task}.` }];
};
