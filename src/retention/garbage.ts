import { join } from 'node:path';
import type { StoredObject } from '../world.ts';
import { findBucketGarbage } from './buckets.ts';
import {
  readCandidates,
  writeCandidates,
  type Candidate,
  type CandidateFile,
} from './candidates.ts';
import { findDatabaseGarbage } from './databases.ts';
import { findDumpGarbage } from './mlmd.ts';
import type { Removal } from './removal.ts';

/**
 * Finds everything that no set that stays needs, except for the folders of the sets that go. Only
 * reads. In the resulting file, keys are whole keys.
 */
export const findGarbage = async (removal: Removal): Promise<CandidateFile> => {
  const { layout } = removal;
  const files: { readonly prefix: string; readonly file: CandidateFile }[] = [];
  for (const bucket of removal.buckets) {
    for (const place of ['mirror', 'history'] as const)
      files.push({
        prefix: place === 'mirror' ? layout.mirror(bucket) : layout.history(bucket),
        file: await findBucketGarbage(removal, bucket, place),
      });
  }
  return writeCandidates(join(removal.scratch, 'garbage'), all(removal, files));
};

async function* all(
  removal: Removal,
  files: readonly { readonly prefix: string; readonly file: CandidateFile }[],
): AsyncGenerator<Candidate> {
  for await (const object of findDatabaseGarbage(removal)) yield candidate(object);
  for await (const object of findDumpGarbage(removal)) yield candidate(object);
  for (const { prefix, file } of files)
    for await (const found of readCandidates(file)) yield { ...found, key: prefix + found.key };
}

const candidate = ({ key, size, etag, lastModified }: StoredObject): Candidate => ({
  key,
  size,
  etag,
  modified: lastModified.getTime(),
});
