import { CharmError } from '../../errors.ts';
import { waitUntil } from '../../wait-until.ts';
import type { Clock, Cluster } from '../../world.ts';
import { ownObjects } from '../records/names.ts';

interface SweepOptions {
  readonly clock: Clock;
  /** Only what this session made; undefined for all sessions. */
  readonly session?: string;
  /** Seconds that our own pods may take to end. */
  readonly patience: number;
}

/**
 * Deletes what sessions that died have left in the cluster, and waits until the pods that could
 * still write to a repository have ended. To be called for a session of one's own that died, or for
 * all by who holds the lock. Secrets of users' namespaces go with the Jobs that own them, so that
 * we need not be allowed to list the Secrets there. Rejects with `kubernetes-refused` when a pod
 * does not end.
 */
export const sweep = async (
  cluster: Cluster,
  { clock, session, patience }: SweepOptions,
): Promise<void> => {
  const { namespace } = cluster;
  const labels = ownObjects(namespace, session);
  for (const job of await cluster.list('jobs', { labels }))
    await cluster.remove('jobs', job.namespace, job.name);
  const pods = await cluster.list('pods', { namespace, labels });
  for (const { name } of pods) await cluster.remove('pods', namespace, name);
  for (const { name } of await cluster.list('secrets', { namespace, labels }))
    await cluster.remove('secrets', namespace, name);
  if (pods.length === 0) return;
  await waitUntil(
    { clock, seconds: patience },
    async () => (await cluster.list('pods', { namespace, labels })).length === 0 || undefined,
    () => {
      throw new CharmError(
        'kubernetes-refused',
        `Pods of a session that died do not end. Their node may be down. Run: kubectl delete pod --namespace ${namespace} --selector ${labels} --force`,
      );
    },
  );
};
