import { CharmError, orProblem } from '../../errors.ts';
import type { Layout } from '../../repository/layout.ts';
import { secondText } from '../../text.ts';
import type { Clock, ObjectStore, Progress } from '../../world.ts';

/** Milliseconds between two writes, at least. A session that is killed loses no more than that. */
const pause = 30_000;

/** Characters; what is before them is left out. */
const longest = 1 << 20;

/** A progress that is kept, too, as the log of a session in S3. */
export interface SessionLog {
  readonly progress: Progress;
  /** Writes what was said since the last time. What S3 does not take now is written later. */
  flush(): Promise<void>;
}

export const openSessionLog = (
  { store, layout, session }: { store: ObjectStore; layout: Layout; session: string },
  { progress, clock }: { readonly progress: Progress; readonly clock: Clock },
): SessionLog => {
  let text = '';
  let isWritten = true;
  let written = clock.now().getTime();
  const flush = async (): Promise<void> => {
    if (isWritten) return;
    isWritten = true;
    written = clock.now().getTime();
    const put = orProblem(() =>
      store.put(layout.volumeSessionLog(session), text, {
        metadata: { contentType: 'text/plain; charset=utf-8' },
      }),
    );
    // Nothing that is said makes a session fail.
    if ((await put) instanceof CharmError) isWritten = false;
  };
  const log = (message: string): void => {
    text = `${text}${secondText(clock.now())} ${message}\n`.slice(-longest);
    isWritten = false;
  };
  return {
    flush,
    progress: {
      step: async (message) => {
        log(message);
        await progress.step(message);
        if (clock.now().getTime() - written >= pause) await flush();
      },
      note: async (message) => {
        log(message);
        await progress.note(message);
      },
    },
  };
};
