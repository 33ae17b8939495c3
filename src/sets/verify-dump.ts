import type { MlmdBackup } from '../backup/manifest.ts';
import { proveDump } from '../backup/mlmd/proof.ts';
import { hasCode } from '../errors.ts';
import type { VerifyWork } from './verification.ts';

/** Looks whether the dump of ML Metadata is there, and in a deep verification loads it into a scratch database. */
export const verifyDump = async (work: VerifyWork, dump: MlmdBackup): Promise<void> => {
  const { store, damages } = work;
  const found = await store.head(dump.key);
  work.count({ objects: 1 });
  if (found === undefined) return damages.found(`mlmd: ${dump.key} is missing`);
  if (found.size !== dump.size)
    return damages.found(`mlmd: ${dump.key} has ${found.size} bytes instead of ${dump.size}`);
  if (!work.deep) return;
  try {
    await proveDump(work, dump);
    work.count({ bytes: dump.size, proven: 1 });
  } catch (error) {
    if (!hasCode(error, 'mlmd-proof-failed', 'object-missing')) throw error;
    await damages.found(`mlmd: ${error.message}`);
  }
};
