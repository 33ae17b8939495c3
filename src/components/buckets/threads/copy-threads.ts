import { availableParallelism } from 'node:os';
import { orProblem, reasonOf } from '../../../errors.ts';
import type { Config } from '../../../config/config.ts';
import type { World } from '../../../world.ts';
import { type CopyContext, weightOf } from '../copy-context.ts';
import { type CopyObject, copyObject } from '../copy-object.ts';
import { workOf } from '../shards/cut-list.ts';
import { Lane, type SharedPass } from './lane.ts';

/** The threads of an operation that copy objects. Disposing of it ends all but this one. */
export interface CopyThreads extends AsyncDisposable {
  /**
   * Copies objects of a pass from this bucket as `copyObject` does, each in the thread that has
   * least under way. When the signal of the pass fires, no other thread goes on with it.
   */
  open(context: CopyContext, bucket: string): CopyObject;
}

/** More do not pay where the servers are, and each takes memory. */
const mostByDefault = 4;
/** The work, in small objects (512 MiB are as much), from which on other threads are started. */
const worthThreads = 2000;

/**
 * The threads that the option `copy-processes` allows. Others than this one are started only when
 * there turns out to be enough to copy from these buckets, and each counts as one that may fail:
 * without it the copy is slower, and nothing else.
 */
export const openCopyThreads = (
  { startCopyThread, progress }: Pick<World, 'startCopyThread' | 'progress'>,
  { copyProcesses }: Pick<Config, 'copyProcesses'>,
  buckets: readonly string[],
  enough = worthThreads,
): CopyThreads => {
  const most = copyProcesses || Math.min(mostByDefault, availableParallelism());
  const starting = new Set<Promise<void>>();
  let lanes: Lane[] = [];
  /** How many may still run: without those that did not start. */
  let others = most - 1;
  let isOver = false;
  let work = 0;
  let passes = 0;

  const fewer = async (why: string): Promise<void> => {
    await orProblem(() => progress.note(`The copy uses one core less: ${why}`));
  };
  const start = async (): Promise<void> => {
    try {
      const thread = await startCopyThread(buckets);
      const lane = new Lane(thread, () => void fewer('a thread of it ended early.'));
      if (isOver) await lane.end();
      else lanes.push(lane);
    } catch (error) {
      others -= 1;
      if (!isOver) await fewer(reasonOf(error));
    }
  };
  const startOthers = (): void => {
    while (!isOver && lanes.length + starting.size < others) {
      const one = start().finally(() => starting.delete(one));
      starting.add(one);
    }
  };
  /** The pass is over. The next one gets others in place of threads that have ended. */
  const leave = async (pass: SharedPass): Promise<void> => {
    await Promise.all(lanes.map((lane) => lane.leave(pass)));
    lanes = lanes.filter(({ hasEnded }) => !hasEnded);
  };
  const here = { weight: 0 };
  const roomiest = (): Lane | typeof here => {
    let best: Lane | typeof here = here;
    for (const lane of lanes) if (!lane.hasEnded && lane.weight <= best.weight) best = lane;
    return best;
  };

  return {
    open: (context, bucket) => {
      passes += 1;
      const { mirror, history, keepsTags, confirmListed, archive, bandwidth, signal } = context;
      const how = { mirror, history, keepsTags, confirmListed, archive, bucket };
      const pass: SharedPass = {
        ...{ number: passes, context },
        how: { ...how, timetable: bandwidth.timetable },
      };
      signal.addEventListener('abort', () => void leave(pass), { once: true });
      return async (job, moved) => {
        work += workOf(1, job.source.size);
        if (work >= enough) startOthers();
        const place = roomiest();
        const weight = weightOf(job.source);
        place.weight += weight;
        try {
          signal.throwIfAborted();
          if (place instanceof Lane) {
            const outcome = await place.copy(pass, job, moved);
            if (outcome !== undefined) return outcome.result;
            signal.throwIfAborted();
          }
          return await copyObject(context, job, moved);
        } finally {
          place.weight -= weight;
        }
      };
    },
    [Symbol.asyncDispose]: async () => {
      isOver = true;
      await Promise.all(starting);
      await Promise.all(lanes.map((lane) => lane.end()));
    },
  };
};
