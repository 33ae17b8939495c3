import { randomUUID } from 'node:crypto';
import type { BackupManifest } from '../../backup/manifest.ts';
import { CharmError, orProblem } from '../../errors.ts';
import type { Source, World } from '../../world.ts';

/** Opens the buckets that the set has, under the names that they had. */
export const openSources = async (
  world: World,
  manifest: BackupManifest | undefined,
  components: readonly string[],
  opened: AsyncDisposableStack,
): Promise<{ readonly opened: readonly Source[]; readonly problems: readonly CharmError[] }> => {
  const sources: Source[] = [];
  const problems: CharmError[] = [];
  const buckets = components.includes('mlpipeline') ? (manifest?.buckets ?? []) : [];
  for (const { bucket } of buckets) {
    const source = await orProblem(() => world.openSource(bucket));
    if (source instanceof CharmError) problems.push(source);
    else {
      opened.use(source.store);
      sources.push(source);
    }
  }
  return { opened: sources, problems };
};

/** Whether the buckets may be written. An upload in parts that is begun and given up needs the same right as a PUT, and leaves nothing. */
export async function* sourceProblems(sources: readonly Source[]): AsyncGenerator<CharmError> {
  for (const { store } of sources) {
    const refused = await orProblem(async () => {
      const upload = await store.startParts(`ckf-restore-write-test-${randomUUID()}`, {});
      await upload.abort();
    });
    if (refused instanceof CharmError && refused.code !== 'store-bucket-missing') yield refused;
  }
}
