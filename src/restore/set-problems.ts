import type { BackupManifest } from '../backup/manifest.ts';
import { CharmError } from '../errors.ts';
import type { Target } from '../world.ts';

/** What is missing or damaged of a set, as far as can be told without reading all of it. */
export async function* setProblems(
  { store }: Target,
  { id, mlmd, buckets }: BackupManifest,
  components: readonly string[],
): AsyncGenerator<CharmError> {
  const expected = [
    ...(components.includes('mlmd') && mlmd ? [{ key: mlmd.key, size: mlmd.size }] : []),
    ...(components.includes('mlpipeline') ? buckets.map(({ list }) => list) : []),
  ];
  for (const { key, size } of expected) {
    const found = await store.head(key);
    if (found?.size === size) continue;
    yield new CharmError(
      'store-corrupt',
      `The set ${id} is damaged: ${key} ${found ? `has ${found.size} bytes instead of ${size}` : 'is missing'} in ${store.description}.`,
    );
  }
}
