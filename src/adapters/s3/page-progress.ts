import { CharmError } from '../../errors.ts';
import { compareKeys } from '../../ports/key-order.ts';
import type { S3Client } from './client.ts';

/**
 * Sees whether the pages of a listing get anywhere. To be called after each page that is not the
 * last, with its last key, and with what the next page is asked by. Rejects a listing that never
 * ends with `store-refused`: one that is asked in the same way again without a later key, or that
 * has too many pages in a row without a later key.
 *
 * @param manyOfAKey there may be any number of entries of one key, such as its versions
 */
export const createPageProgress = (
  { description }: Pick<S3Client, 'description'>,
  doing: string,
  { manyOfAKey = false }: { readonly manyOfAKey?: boolean } = {},
): ((last: string | undefined, marker: string) => void) => {
  let furthest: string | undefined;
  let idle = 0;
  /** Since the furthest key was reached, so that these stay few. */
  const asked = new Set<string>();
  return (last, marker) => {
    const order =
      last === undefined ? -1 : furthest === undefined ? 1 : compareKeys(last, furthest);
    if (order > 0) {
      furthest = last;
      idle = 0;
      asked.clear();
    } else if (order < 0 || !manyOfAKey) idle += 1;
    if (asked.has(marker) || idle > mostIdlePages)
      throw new CharmError(
        'store-refused',
        `Could not ${doing}: ${description} says that the listing goes on, and gives the same pages, or empty ones, again and again. Nothing was changed.` +
          ' Look at that server and at the proxy before it; a newer release may have fixed it.',
      );
    asked.add(marker);
  };
};

/**
 * A server may give some pages without a key, for example where many versions were deleted. More
 * than this many means that it repeats itself.
 */
const mostIdlePages = 1000;
