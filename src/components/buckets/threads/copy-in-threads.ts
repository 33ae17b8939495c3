import type { CopyContext } from '../copy-context.ts';
import { bringObjectBack } from '../bring-object-back.ts';
import { type CopyObject, copyObject } from '../copy-object.ts';
import type { CopyThreads } from './copy-threads.ts';
import type { CopyPass, RestorePass } from './messages.ts';

/**
 * `copyObject`, or in a restore `bringObjectBack`, for the jobs of a pass, by several threads where
 * there are some.
 */
export const copyInThreads = (
  threads: CopyThreads | undefined,
  context: CopyContext,
  how: Pick<CopyPass, 'kind' | 'bucket'> | Omit<RestorePass, 'timetable'>,
): CopyObject => {
  const copy = how.kind === 'restore' ? bringObjectBack : copyObject;
  const here: CopyObject = (job, moved) => copy(context, job, moved);
  if (threads === undefined) return here;
  const { mirror, history, keepsTags, confirmListed, archive } = context;
  const { timetable } = context.bandwidth;
  return threads.open({
    ...{ here, asking: context, signal: context.signal },
    how:
      how.kind === 'restore'
        ? { ...how, timetable }
        : { ...how, mirror, history, keepsTags, confirmListed, archive, timetable },
  });
};
