import { hasCode } from '../../errors.ts';
import { isMd5, partsOf } from '../../ports/etags.ts';
import { guessLayout, type PartLayout } from '../../repository/etag.ts';
import type { StoredObject } from '../../world.ts';
import { confirmReadable } from './confirm-written.ts';
import type { CopyContext, Moved } from './copy-context.ts';
import { toldLayout } from './copy-in-parts.ts';
import type { Copy } from './copy-whole.ts';
import { belongingsOf, changed } from './read-source.ts';

/**
 * Has the server copy an object, where source and target are buckets of one server. Only a copy
 * with the ETag of the source counts, in the parts that it has there: that proves its bytes.
 * Resolves with undefined when the bytes have to go through us: the servers are two, the target's
 * credentials may not read the source, or the ETag proves nothing, as with encryption. What the
 * server may have written by then is written again.
 */
export const copyOnServer = async (
  context: CopyContext,
  source: StoredObject,
  moved: Moved,
): Promise<Copy | undefined> => {
  const { from, to, learnt } = context;
  const origin = from.origin(source);
  if (learnt.serverRefuses || origin.server !== to.origin(source).server) return undefined;
  if (origin.etag !== source.etag) return undefined;
  const layout = await layoutOf(context, source);
  if (layout === undefined && !isMd5(source.etag)) return undefined;
  const found = await from.head(source.key);
  if (found?.etag !== source.etag) throw changed(from, source.key);
  const { metadata, belongings } = await belongingsOf(context, { ...found, tagCount: undefined });
  const key = context.mirror + source.key;
  await context.mayWrite?.();
  if (layout !== undefined) learnt.usedParts = true;
  try {
    const partSize = layout?.partSize;
    const { size } = source;
    const { mayWrite } = context;
    const copied = await to.copyFrom({ ...origin, size }, key, { metadata, partSize, mayWrite });
    // Some servers answer 200 and make no copy.
    const made = copied.etag === source.etag ? await to.head(key) : undefined;
    if (made?.etag === source.etag && made.size === size) {
      await confirmReadable(context, { ...made, layout, told: true }, metadata);
      moved(size);
      return { mirrorEtag: source.etag, contentEtag: source.etag, belongings };
    }
  } catch (error) {
    if (!hasCode(error, ...refusals)) throw error;
    // It was replaced meanwhile, or what the target's user sees by this name is another bucket.
    if (hasCode(error, 'object-changed', 'object-missing')) return undefined;
  }
  learnt.serverRefuses = true;
  return undefined;
};

const refusals = [
  'store-denied',
  'store-refused',
  'store-refuses-tags',
  'store-bucket-missing',
  'store-corrupt',
  'object-changed',
  'object-missing',
] as const;

const layoutOf = async (
  context: CopyContext,
  source: StoredObject,
): Promise<PartLayout | undefined> => {
  const count = partsOf(source.etag);
  if (count === undefined) return undefined;
  return (await toldLayout(context, source)) ?? guessLayout(source.size, count);
};
