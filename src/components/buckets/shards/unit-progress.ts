import type { HelpProgress } from '../../../repository/lock-claims.ts';
import type { Clock } from '../../../world.ts';
import { ProgressOfBucket } from '../progress.ts';

/** What a unit has done of shared work: shards that are done, and those under way. */
export interface UnitProgress {
  /** Does a piece of work with a progress of its own, and adds what it has done. */
  during<Done>(
    work: (progress: ProgressOfBucket) => Promise<Done>,
    amount: (done: Done) => HelpProgress,
  ): Promise<Done>;
  readonly all: () => HelpProgress;
}

export const createUnitProgress = (clock: Clock): UnitProgress => {
  const underWay = new Set<ProgressOfBucket>();
  let ended: HelpProgress = { objects: 0, bytes: 0 };
  const add = ({ objects, bytes }: HelpProgress, more: HelpProgress): HelpProgress => ({
    objects: objects + more.objects,
    bytes: bytes + more.bytes,
  });
  return {
    during: async (work, amount) => {
      const progress = new ProgressOfBucket(clock);
      underWay.add(progress);
      try {
        const done = await work(progress);
        ended = add(ended, amount(done));
        return done;
      } finally {
        underWay.delete(progress);
      }
    },
    all: () =>
      underWay.values().reduce((sum, progress) => {
        const { objectsDone, bytesDone } = progress.snapshot();
        return add(sum, { objects: objectsDone, bytes: bytesDone });
      }, ended),
  };
};
