import { CharmError } from '../errors.ts';
import type { StoredObject } from '../world.ts';
import type { Removal } from './removal.ts';

/** The dumps of sets that go, and of dead backups, whose folders below `sets/` name them. */
export async function* findDumpGarbage({
  store,
  layout,
  go,
  stay,
}: Removal): AsyncGenerator<StoredObject> {
  const needed = new Set(stay.map(({ mlmd }) => mlmd?.key));
  for (const { id, manifest } of go) {
    const key = layout.mlmdDump(id);
    const isOurs =
      manifest === undefined || manifest instanceof CharmError || manifest.mlmd?.key === key;
    if (!isOurs || needed.has(key)) continue;
    const found = await store.head(key);
    if (found) yield found;
  }
}
