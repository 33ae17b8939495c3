import { availableParallelism } from 'node:os';
import { orProblem, reasonOf } from '../../../errors.ts';
import type { Config } from '../../../config/config.ts';
import type { World } from '../../../world.ts';
import { type Moved, weightOf } from '../copy-context.ts';
import { workOf } from '../shards/cut-list.ts';
import { Lane, type SharedPass } from './lane.ts';
import type { ThreadJob } from './messages.ts';

/**
 * The threads of an operation that copy and read objects. Disposing of it ends all but this one.
 */
export interface CopyThreads extends AsyncDisposable {
  /**
   * Does the jobs of a pass as `here` does them, each in the thread that has least under way. When
   * the signal of the pass fires, no other thread goes on with it.
   */
  open<Job extends ThreadJob, Result>(
    pass: PassHere<Job, Result>,
  ): (job: Job, moved: Moved) => Promise<Result>;
}

/** A pass as the operation's own thread has it. */
interface PassHere<Job, Result> extends Omit<SharedPass, 'number'> {
  readonly here: (job: Job, moved: Moved) => Promise<Result>;
}

/** What the threads of an operation have to do with. */
interface Reach {
  /** The buckets of MinIO that they copy from or to. */
  readonly buckets: readonly string[];
  /** When the target is read as it was at a time. */
  readonly asOf?: Date | undefined;
  /** The work, in small objects, from which on other threads are started. */
  readonly enough?: number;
}

/** More do not pay where the servers are, and each takes memory. */
const mostByDefault = 4;
/** 512 MiB are as much. */
const worthThreads = 2000;

/**
 * The threads that the option `copy-processes` allows. Others than this one are started only when
 * there turns out to be enough to do, and each counts as one that may fail: without it the
 * operation is slower, and nothing else.
 */
export const openCopyThreads = (
  { startCopyThread, progress }: Pick<World, 'startCopyThread' | 'progress'>,
  { copyProcesses }: Pick<Config, 'copyProcesses'>,
  { buckets, asOf, enough = worthThreads }: Reach,
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
    await orProblem(() => progress.note(`One core less is used: ${why}`));
  };
  const start = async (): Promise<void> => {
    try {
      const thread = await startCopyThread(buckets);
      const lane = new Lane(thread, () => void fewer('a thread ended early.'), asOf);
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
    open: <Job extends ThreadJob, Result>({ here: doHere, ...own }: PassHere<Job, Result>) => {
      passes += 1;
      const pass: SharedPass = { ...own, number: passes };
      const { signal } = pass;
      signal.addEventListener('abort', () => void leave(pass), { once: true });
      return async (job: Job, moved) => {
        work += workOf(1, job.source.size);
        if (work >= enough) startOthers();
        const place = roomiest();
        const weight = weightOf(job.source);
        place.weight += weight;
        try {
          signal.throwIfAborted();
          if (place instanceof Lane) {
            const outcome = await place.do(pass, job, moved);
            // A thread gives for a job what this one does.
            if (outcome !== undefined) return outcome.result as Result;
            signal.throwIfAborted();
          }
          return await doHere(job, moved);
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
