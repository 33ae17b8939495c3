import { CharmError, hasCode, orProblem } from '../errors.ts';
import type { ObjectStore, Target } from '../world.ts';
import { parseClaim, readClaim } from './claim.ts';
import { layoutOf } from './layout.ts';

/*
 * A path belongs to one model with all that lies below it. If another path began inside of it, in
 * the mirror of a bucket for example, its objects would look like our own, and prune would delete
 * them. So paths must not be nested, in either direction.
 */

/**
 * The problem `prefix-claimed` when a path above this one is claimed. Undefined when none is, or
 * when we are not allowed to look.
 */
export const claimAbove = async (target: Target): Promise<CharmError | undefined> => {
  const names = target.prefix.split('/');
  for (let depth = 1; depth < names.length; depth += 1) {
    const above = names.slice(0, depth).join('/');
    const found = await orProblem(() => readClaim({ ...target, prefix: above }));
    if (found === undefined) continue;
    // S3 policies often allow reading only below the own path.
    if (hasCode(found, 'store-denied')) continue;
    if (found instanceof CharmError && found.code !== 'prefix-claimed') return found;
    const owner = found instanceof CharmError ? 'a model' : `the model ${found.claim.model.name}`;
    return nested(target, `lies inside of ${above}, which is the path of ${owner}`);
  }
  return undefined;
};

/**
 * The problem `prefix-claimed` when there is a claim below this path, which has none yet. Looks at
 * every key below it. This is done only before a path is claimed; from then on `claimAbove` refuses
 * models that come later.
 */
export const claimBelow = async (target: Target): Promise<CharmError | undefined> => {
  const { store, prefix } = target;
  if ((await store.head(layoutOf(prefix).claim)) !== undefined) return undefined;
  for await (const { key } of store.list(`${prefix}/`)) {
    const owner = await ownerOfClaim(store, key);
    if (owner === undefined) continue;
    const below = key.slice(0, key.lastIndexOf('/'));
    return nested(target, `has ${below} inside of it, which is the path of the model ${owner}`);
  }
  return undefined;
};

/**
 * When an object is a claim, the name of its model; otherwise undefined. Reads only objects that
 * have the name of a claim.
 */
export const ownerOfClaim = async (
  store: ObjectStore,
  key: string,
): Promise<string | undefined> => {
  if (!key.endsWith(layoutOf('').claim)) return undefined;
  const found = await orProblem(() => store.read(key));
  if (!(found instanceof CharmError)) return parseClaim(found.toString('utf8'))?.model.name;
  if (found.code === 'object-missing') return undefined;
  throw found;
};

const nested = ({ prefix, bucket, application }: Target, how: string): CharmError =>
  new CharmError(
    'prefix-claimed',
    `The path ${prefix} in bucket ${bucket} ${how}, and the backups of the two would be mixed. Nothing was changed. Choose a path outside of it:` +
      ` juju config ${application} path=<path>`,
  );
