import { nowAndThen } from '../../../operation/now-and-then.ts';
import { judgeContent } from '../../../repository/content.ts';
import type { Clock, ObjectStore } from '../../../world.ts';
import { createBandwidth } from '../bandwidth.ts';
import { bringObjectBack } from '../bring-object-back.ts';
import { bringingBack, type CopyContext, type Moved, nothingLearnt } from '../copy-context.ts';
import { type CopyJob, copyObject } from '../copy-object.ts';
import { openStoredObjects } from '../stored-set.ts';
import type { CopyPass, FromThread, ReadJob, RestorePass, ThreadPass } from './messages.ts';

/** What a thread has of its own. */
export interface ThreadStores {
  readonly target: ObjectStore;
  readonly sources: ReadonlyMap<string, ObjectStore>;
  readonly clock: Clock;
}

/** What a thread does in a pass. */
export interface Performer {
  /** Does a job of the pass. */
  readonly perform: (job: unknown, moved: Moved) => Promise<Done>;
  readonly learnt: Pick<CopyContext['learnt'], 'usedParts'>;
}

type Done = Extract<FromThread, { kind: 'ended' }>['done'];

/** Resolves when something may be replaced, or so many bytes may move. */
export type Ask = (use?: number) => Promise<void>;

/** `asOf` is when the target is read as it was at a time. */
export const performerOf = (
  stores: ThreadStores,
  { how, asOf }: { readonly how: ThreadPass; readonly asOf?: Date },
  ask: Ask,
): Performer => {
  const stored = asOf === undefined ? stores.target : stores.target.asOf(asOf);
  switch (how.kind) {
    case 'copy':
      return copying(stores, how, ask);
    case 'restore':
      return restoring(stores, stored, how, ask);
    case 'read':
      return {
        learnt: nothingLearnt(),
        perform: async (job) => {
          const { source, listed } = job as ReadJob;
          return { result: await judgeContent(stored, source, listed) };
        },
      };
  }
};

const copying = (stores: ThreadStores, how: CopyPass, ask: Ask): Performer => {
  const from = sourceIn(stores, how.bucket);
  const context = { ...how, ...ownOf(stores, how.timetable, ask), from, to: stores.target };
  return {
    learnt: context.learnt,
    perform: async (job, moved) => ({
      result: await copyObject(context, job as CopyJob, moved),
    }),
  };
};

const restoring = (
  stores: ThreadStores,
  stored: ObjectStore,
  { bucket, set: places, timetable }: RestorePass,
  ask: Ask,
): Performer => {
  const set = openStoredObjects(stored, bucket, places);
  const own = ownOf(stores, timetable, ask);
  const context = { ...own, ...bringingBack(set, sourceIn(stores, bucket), own.signal) };
  return {
    learnt: context.learnt,
    perform: async (job, moved) => {
      const { listed } = job as CopyJob;
      if (listed === undefined) throw new TypeError('what is brought back has a line');
      set.know(listed);
      try {
        const result = await bringObjectBack(context, job as CopyJob, moved);
        // Why it is lost has to be known to the operation's own thread, which finds it out itself.
        return result && { result };
      } finally {
        set.forget(listed.key);
      }
    },
  };
};

const sourceIn = ({ sources }: ThreadStores, bucket: string): ObjectStore => {
  const found = sources.get(bucket);
  if (found === undefined) throw new TypeError(`the bucket ${bucket} is not open`);
  return found;
};

/** What each thread has of its own in a pass that copies. */
const ownOf = (
  { clock }: ThreadStores,
  timetable: CopyPass['timetable'],
  ask: Ask,
): Pick<CopyContext, 'bandwidth' | 'clock' | 'mayWrite' | 'signal' | 'learnt'> => ({
  bandwidth: { ...createBandwidth(timetable, clock), take: (bytes) => ask(bytes) },
  clock,
  mayWrite: nowAndThen(clock, () => ask()),
  // Whoever wants this thread to stop ends it.
  signal: new AbortController().signal,
  learnt: nothingLearnt(),
});
