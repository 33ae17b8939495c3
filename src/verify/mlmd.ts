import { proveDump } from '../components/mlmd/proof.ts';
import { hasCode } from '../errors.ts';
import type { MlmdBackup } from '../repository/manifest.ts';
import type { StoredObject } from '../world.ts';
import { checkContent, listedAsFound } from './content.ts';
import type { VerifyWork } from './verification.ts';

/**
 * Checks that the dump of ML Metadata is there. A deep verification also loads it into a scratch
 * database.
 */
export const verifyDump = async (work: VerifyWork, dump: MlmdBackup): Promise<void> => {
  const { damages, archive } = work;
  const found = await find(work, dump);
  if (found === undefined) return;
  await archive.pass(found, async () => {
    if (!work.deep) return;
    try {
      await proveDump(work, dump);
      work.count({ bytes: dump.size, proven: 1 });
    } catch (error) {
      if (!hasCode(error, 'mlmd-proof-failed', 'object-missing')) throw error;
      await damages.found(`mlmd: ${error.message}`);
    }
  });
  await archive.idle();
};

/** Checks every byte of the dump. It was proven when it was made, so its checksum is enough. */
export const verifyBytes = async (work: VerifyWork, dump: MlmdBackup): Promise<void> => {
  const found = await find(work, dump);
  if (found === undefined) return;
  await work.archive.pass(found, async () => {
    const verdict = await checkContent(work, found, {
      ...listedAsFound(found),
      sha256: dump.sha256,
    });
    if (verdict.kind === 'damaged') await work.damages.found(`mlmd: ${dump.key} ${verdict.why}`);
  });
  await work.archive.idle();
};

/**
 * The dump as it is stored. Undefined when it is missing or another one, which was reported then.
 */
const find = async (
  work: VerifyWork,
  { key, size }: MlmdBackup,
): Promise<StoredObject | undefined> => {
  const { store, damages } = work;
  const found = await store.head(key);
  work.count({ objects: 1 });
  if (found?.size === size) return found;
  if (found === undefined) await damages.found(`mlmd: ${key} is missing`, 'missing');
  else await damages.found(`mlmd: ${key} has ${found.size} bytes instead of ${size}`);
  return undefined;
};
