import type { InUse } from '../../config/volumes.ts';
import { CharmError } from '../../errors.ts';
import type { Clock, Cluster, ClusterObject, Journal, StoppedNotebook } from '../../world.ts';
import type { ClaimUser } from './claims.ts';

/*
 * Kubeflow's notebooks: whose pods have volumes mounted, whether somebody works in them, and how
 * one is stopped and started again. The notebook-controller only looks whether the annotation is
 * there.
 */

export const stoppedAnnotation = 'kubeflow-resource-stopped';
/** Kept by the controller while culling is on; a busy kernel moves it to the present. */
const lastActivity = 'notebooks.kubeflow.org/last-activity';

/** Milliseconds without activity after which nobody counts as working. */
const idleAfter = 30 * 60_000;

/** What volumes that are in use are judged by. */
export interface UseRules {
  readonly mode: InUse;
  /** Of the namespace, by name; empty where they do not matter. */
  readonly notebooks: ReadonlyMap<string, ClusterObject>;
  readonly now: Date;
}

export const notebooksOf = async (
  cluster: Cluster,
  namespace: string,
  mode: InUse,
): Promise<ReadonlyMap<string, ClusterObject>> =>
  mode === 'idle' || mode === 'stop'
    ? new Map((await cluster.list('notebooks', { namespace })).map((one) => [one.name, one]))
    : new Map();

/** Whether each pod that uses the volume is of a notebook, so that it could be started again. */
export const canBeStopped = ({ pods }: ClaimUser, { notebooks }: UseRules): boolean =>
  pods.every(({ notebook }) => notebook !== undefined && notebooks.has(notebook));

/** Whether nobody works in any pod that uses the volume. What is not known counts as work. */
export const isIdle = (user: ClaimUser, rules: UseRules): boolean =>
  canBeStopped(user, rules) &&
  user.pods.every(({ notebook = '' }) => {
    const { annotations = {} } = rules.notebooks.get(notebook) ?? {};
    const last = Date.parse(annotations[lastActivity] ?? '');
    return rules.now.getTime() - last > idleAfter;
  });

/**
 * Stops a notebook, and notes that in the journal first, so that it is started again when we are
 * killed. Undefined when somebody else has stopped it: then it is not ours to start.
 */
export const stopNotebook = async (
  { cluster, journal, clock }: { cluster: Cluster; journal: Journal; clock: Clock },
  namespace: string,
  name: string,
): Promise<StoppedNotebook | undefined> => {
  const found = await cluster.read('notebooks', namespace, name);
  if (found === undefined)
    throw new CharmError(
      'volume-in-use',
      `${namespace}/${name}: the notebook is gone, and its pod still has the volume. Run the action again.`,
    );
  if (found.annotations[stoppedAnnotation] !== undefined) return undefined;
  // With milliseconds, which Kubeflow's own pages do not write: so it is known as ours.
  const notebook = { namespace, name, stopped: clock.now().toISOString() };
  await journal.recordNotebook(notebook);
  await cluster.patch('notebooks', namespace, name, {
    metadata: { annotations: { [stoppedAnnotation]: notebook.stopped } },
  });
  return notebook;
};

/**
 * Starts a notebook again that we have stopped, unless its user has started or stopped it since.
 * May be killed at any moment, and repeated.
 */
export const startNotebook = async (
  { cluster, journal }: { cluster: Cluster; journal: Journal },
  { namespace, name, stopped }: StoppedNotebook,
): Promise<void> => {
  const found = await cluster.read('notebooks', namespace, name);
  if (found?.annotations[stoppedAnnotation] === stopped)
    await cluster.patch('notebooks', namespace, name, {
      metadata: { annotations: { [stoppedAnnotation]: null } },
    });
  await journal.removeNotebook({ namespace, name });
};
