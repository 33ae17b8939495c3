import type { BucketBackup } from '../backup/manifest.ts';
import { hasCode } from '../errors.ts';
import { createContentChecks } from './content-checks.ts';
import { locateObjects } from './locate-objects.ts';
import type { VerifyWork } from './verification.ts';

/** Looks for every object of a bucket's list, and in a deep verification reads them all. */
export const verifyBucket = async (work: VerifyWork, backup: BucketBackup): Promise<void> => {
  const { store, layout, damages, signal } = work;
  const checks = createContentChecks(work, damages, work.width);
  const nameOf = (key: string): string => `${backup.bucket}: ${JSON.stringify(key)}`;
  try {
    await locateObjects(store, layout, backup, {
      there: async (object, listed) => {
        signal.throwIfAborted();
        work.count({ objects: 1 });
        if (!work.deep) return;
        await checks.read(object, listed, nameOf(listed.key));
        work.count({ bytes: object.size });
      },
      lost: async (listed, why) => {
        work.count({ objects: 1 });
        await damages.found(`${nameOf(listed.key)} ${why}`, kindOf(why));
      },
    });
  } catch (error) {
    if (!hasCode(error, 'manifest-invalid')) throw error;
    await damages.found(error.message, kindOf(error.message));
  } finally {
    await checks.end();
  }
  work.count({ proven: checks.proven, unproven: checks.unproven });
};

const kindOf = (why: string): 'missing' | 'damaged' =>
  / is missing\b|^is missing\b/.test(why) ? 'missing' : 'damaged';
