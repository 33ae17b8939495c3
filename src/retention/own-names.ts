import type { DatabaseEndpoint } from '../config.ts';
import { databaseEndpoints } from '../config.ts';
import type { Layout } from '../backup/layout.ts';

/*
 * A manifest says what a set consists of, and whoever can write to the bucket can write a manifest. So nothing is deleted by its word alone:
 * a name has to be one that this charm gives.
 */

/** A bucket whose mirror cannot be mistaken for something else below the prefix. */
export const isMirroredBucket = (name: string): boolean =>
  /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/.test(name) &&
  !/^(sets|history|mlmd|lock\.json|ckf-backup\.json|kfp-db.*|katib-db.*|write-test-.*)$/.test(name);

export const isDatabase = (component: string): component is DatabaseEndpoint =>
  databaseEndpoints.some((endpoint) => endpoint === component);

/** Which generation of a database's path this is; undefined when it is none. */
export const generationOf = (
  layout: Layout,
  component: DatabaseEndpoint,
  path: string,
): number | undefined => {
  const generation = Number(/-([1-9]\d*)$/.exec(path)?.[1] ?? 1);
  return layout.databasePath(component, generation) === path ? generation : undefined;
};

/** An id as mysql-k8s gives it, which can be no other name below its path. */
export const isDatabaseBackupId = (id: string): boolean =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(id);
