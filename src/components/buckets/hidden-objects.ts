import { CharmError } from '../../errors.ts';
import type { Target } from '../../world.ts';

/** More than this are not named. */
const mostNamed = 10;

/** Notes an object that was copied before and is missing in the listing of the mirror. */
export const noteMissing = (missing: string[], key: string): void => {
  if (missing.length < mostNamed) missing.push(key);
};

/**
 * Such an object was copied again by now. Rejects with `store-refused` when the target has it and
 * still does not list it. MinIO behaves so with an object below another one (`a` and `a/b`).
 * `verify-backup` and `prune` would not find it.
 */
export const checkListed = async (
  { store }: Target,
  mirror: string,
  missing: readonly string[],
): Promise<void> => {
  for (const key of missing) {
    const at = mirror + key;
    const listed = await Array.fromAsync(store.list(at, { upTo: at }));
    if (listed.length > 0 || (await store.head(at)) === undefined) continue;
    throw new CharmError(
      'store-refused',
      `${store.description} has ${at} and does not list it. MinIO hides an object whose key begins with that of another object and a slash.` +
        ' There is no set, because it could not be verified. Rename one of the two in the source, or use another server as target.',
    );
  }
};
