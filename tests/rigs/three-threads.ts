import {
  type CopyThreads,
  openCopyThreads,
} from '../../src/components/buckets/threads/copy-threads.ts';
import type { FromThread } from '../../src/components/buckets/threads/messages.ts';
import type { Clock, ObjectStore } from '../../src/world.ts';
import { fakeCopyThread } from '../fakes/copy-thread.ts';
import { FakeProgress } from '../fakes/progress.ts';

interface ThreeThreads extends CopyThreads {
  /** For each other thread that was started, how many jobs it has brought to an end. */
  readonly done: readonly number[];
}

/** The threads of an operation, from its first object on; some of them die at these messages. */
export const threeThreads = (
  stores: { readonly source: ObjectStore; readonly target: ObjectStore; readonly clock: Clock },
  { deaths = [], asOf }: { readonly deaths?: readonly number[]; readonly asOf?: Date } = {},
): ThreeThreads => {
  const left = [...deaths];
  const done: number[] = [];
  const threads = openCopyThreads(
    {
      progress: new FakeProgress(),
      startCopyThread: async () => {
        const diesAt = left.shift();
        const thread = fakeCopyThread({ ...stores, ...(diesAt && { diesAt }) });
        const nth = done.push(0) - 1;
        thread.onMessage((given) => {
          const message = given as FromThread;
          if (message.kind === 'ended' && message.done !== undefined)
            done[nth] = (done[nth] ?? 0) + 1;
        });
        return thread;
      },
    },
    { copyProcesses: 3 },
    { buckets: ['mlpipeline'], asOf, enough: 0 },
  );
  return { ...threads, done };
};
