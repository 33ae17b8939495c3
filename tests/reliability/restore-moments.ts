import { lookOn, type Moment, type Onlooker } from './moments.ts';
import type { Rig } from './rig.ts';

/**
 * As `lookOn`, for restores: the paths of the databases move on with each of them, so that their
 * numbers are left out of the names.
 */
export const lookOnRestore = (rig: Rig, onlooker: Onlooker): Disposable => {
  const counts = new Map<string, number>();
  return lookOn(rig, ({ what, when }) => {
    const plain = what.replace(/\b(kfp|katib)-db-\d+\//g, '$1-db/');
    const name = `${when} ${plain}`;
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    return onlooker({ what: plain, nth, when });
  });
};

/**
 * Every moment at which a restore changes something outside or its journal, or begins another step;
 * of those at which it only asks, one of each kind. What the databases do by themselves is left to
 * the random times.
 */
export const decisiveOfRestore = (seen: readonly Moment[]): readonly Moment[] => {
  const kinds = new Set<string>();
  return seen.filter(({ what, when, nth }) => {
    if (/^s3 (?!Copy|Delete|Upload)\w+ (kfp|katib)-db\//.test(what)) return false;
    if (changing.test(what)) return true;
    const kind = `${when} ${what}`;
    const first = nth === 1 && !kinds.has(kind);
    kinds.add(kind);
    return first;
  });
};

const changing =
  /^(log |journal |kubernetes EXEC|juju Application\.ScaleApplications|juju Action\.EnqueueOperation .*restore|(s3|minio) (Put|Delete|Copy|Upload|Create|Complete|Abort))/;
