import type { Cluster } from '../world.ts';
import { ownObjects } from './names.ts';

/**
 * Deletes everything of ours in the cluster: what a session that died has left. To be called by who
 * holds the lock. Secrets of users' namespaces go with the Jobs that own them, so that we need not
 * be allowed to list the Secrets there. Returns how many objects there were.
 */
export const sweep = async (cluster: Cluster): Promise<number> => {
  const { namespace } = cluster;
  const left = [
    ...(await cluster.list('jobs', { labels: ownObjects })).map((one) => ['jobs', one] as const),
    ...(await cluster.list('pods', { namespace, labels: ownObjects })).map(
      (one) => ['pods', one] as const,
    ),
    ...(await cluster.list('secrets', { namespace, labels: ownObjects })).map(
      (one) => ['secrets', one] as const,
    ),
  ];
  for (const [kind, one] of left) await cluster.remove(kind, one.namespace, one.name);
  return left.length;
};
