import { listText, sizeText } from '../backup/wording.ts';
import type { RemovalReport } from '../retention/remove-sets.ts';

/** What a removal did, or would do, as results of an action. */
export const removalResults = (
  { removed, leftovers, kept, objects, bytes }: RemovalReport,
  dryRun: boolean,
): Readonly<Record<string, string>> => ({
  'dry-run': String(dryRun),
  removed: removed.length === 0 ? 'none' : listText(removed, 20),
  'removed-sets': String(removed.length),
  'kept-sets': String(kept),
  ...(leftovers.length > 0 && { leftovers: listText(leftovers, 20) }),
  objects: String(objects),
  size: sizeText(bytes),
  bytes: String(bytes),
});
