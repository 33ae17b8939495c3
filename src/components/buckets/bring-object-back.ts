import { hasCode } from '../../errors.ts';
import type { CopyContext, Moved } from './copy-context.ts';
import { type CopiedObject, type CopyJob, copyObject } from './copy-object.ts';

/**
 * As `copyObject`, from a set back into a bucket. An object whose tags the bucket does not take
 * comes back without them: its bytes are worth more. Its line has them then. MinIO since 2025 takes
 * fewer characters in tags than the one that the set may come from.
 */
export const bringObjectBack = async (
  context: CopyContext,
  job: CopyJob,
  moved: Moved,
): Promise<CopiedObject | undefined> => {
  try {
    return await copyObject(context, job, moved);
  } catch (error) {
    if (!hasCode(error, 'store-refuses-tags')) throw error;
    return copyObject({ ...context, keepsTags: false }, job, moved);
  }
};
