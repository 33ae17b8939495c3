import { CharmError, orProblem } from '../../errors.ts';
import { waitUntil } from '../../wait-until.ts';
import { clearJunk } from './clear-junk.ts';
import { repositoryPassword } from './keys.ts';
import type { VolumeOperation } from '../records/operation.ts';
import { podState, warningsAbout } from '../pods/pod-state.ts';
import { watch } from '../pods/watch.ts';
import { noteOthers } from './repository-locks.ts';
import { complaintsOf, exitText, firstLine } from './restic.ts';
import { type RepositoryCommand, type TrustedPod, repositoryPod } from '../pods/trusted-pods.ts';

/** Seconds that a pod has to start, and that a command on a repository may take. */
const startSeconds = 300;
const commandSeconds = 3600;

/** restic ended with this: somebody else holds a lock. */
const locked = 11;

/** How restic ended on a repository. */
export interface CommandEnd {
  readonly exitCode: number;
  readonly output: string;
}

/**
 * Runs restic on a repository in a pod of the model's namespace, and resolves with what it wrote:
 * through a gateway, or with full access, and then no gateway may be open meanwhile. Rejects with
 * `volume-command-failed`, with `volume-locked` when somebody else works on it, or with
 * `volume-not-started` when the pod did not start.
 */
export const runOnRepository = async (
  operation: VolumeOperation,
  repository: string,
  wish: RepositoryCommand,
): Promise<string> => {
  const ended = await endOnRepository(operation, repository, wish);
  if (ended.exitCode === 0) return ended.output;
  throw commandFailure(repository, wish, ended);
};

export const commandFailure = (
  repository: string,
  { command }: RepositoryCommand,
  { exitCode, output }: CommandEnd,
): CharmError => {
  const complaints = complaintsOf(output);
  if (exitCode === locked) return occupiedRepository(repository);
  return new CharmError(
    'volume-command-failed',
    `restic ${command[0] ?? ''} on the repository ${repository} ended with status ${exitCode} (${exitText(exitCode)}): ${complaints[0] ?? firstLine(output)}`,
  );
};

export const occupiedRepository = (repository: string): CharmError =>
  new CharmError(
    'volume-locked',
    `The repository ${repository} is locked: somebody works on it with restic, or was stopped less than half an hour ago. Nothing was removed there. Wait for its end and run the action again.`,
  );

/**
 * As `runOnRepository`, and it may end with any status. When it fails because of what a user has
 * put there, that is taken away, and it runs once more.
 */
export const endOnRepository = async (
  operation: VolumeOperation,
  repository: string,
  wish: RepositoryCommand,
): Promise<CommandEnd> => {
  const ended = await endOnce(operation, repository, wish);
  if (ended.exitCode === 0 || ended.exitCode === locked || wish.gateway !== undefined) return ended;
  // restic may have crashed, and have left its lock.
  await noteOthers(operation, repository);
  const isMended = await mendRepository(operation, repository);
  return isMended ? endOnce(operation, repository, wish) : ended;
};

/**
 * Takes away what a user has put into a repository and what stops restic there. To be called when
 * restic has failed, while no gateway is open. Resolves with whether it makes sense to try again.
 */
export const mendRepository = async (
  operation: VolumeOperation,
  repository: string,
): Promise<boolean> => {
  const cleared = await clearJunk(operation, repository);
  if (!cleared.some(({ kind }) => kind === 'index')) return cleared.length > 0;
  const wish = { task: 'repair-index', command: ['repair', 'index'], isLong: true };
  const ended = await orProblem(() => endOnce(operation, repository, wish));
  const problem =
    ended instanceof CharmError || ended.exitCode === 0
      ? ended
      : commandFailure(repository, wish, ended);
  if (!(problem instanceof CharmError)) return true;
  await operation.world.progress.note(problem.message);
  return false;
};

const endOnce = async (
  operation: VolumeOperation,
  repository: string,
  { task, command, gateway, room, isLong = false }: RepositoryCommand,
): Promise<CommandEnd> => {
  const { access, session, config, target, world } = operation;
  const { cluster, storage, key } = access;
  const { namespace } = cluster;
  const trusted = repositoryPod(
    { namespace, session, repository, storage, config },
    { task, command, gateway, room },
    repositoryPassword(key, repository),
  );
  await using pod = await startPod(operation, trusted);
  // The pod has the same keys as we have.
  await using keys = watch(world, async () => {
    await target.store.probe();
    return undefined;
  });
  const most = isLong ? config.deadline / 1000 : commandSeconds;
  const began = world.clock.now().getTime();
  const { exitCode } = await waitUntil(
    { clock: world.clock, seconds: most, signal: keys.signal },
    async () => {
      const state = await pod.state('restic');
      if (state.kind === 'ended') return state;
      const seconds = (world.clock.now().getTime() - began) / 1000;
      if (state.kind === 'waiting' && (state.imageProblem || seconds > startSeconds))
        throw await notStarted(operation, namespace, pod.name, state.why);
      return undefined;
    },
    () => {
      throw new CharmError(
        'volume-command-failed',
        `restic ${command[0] ?? ''} on the repository ${repository} did not end in ${most / 60} minutes and was stopped. ${isLong ? 'Raise volumes-deadline and run' : 'Run'} the action again.`,
      );
    },
  );
  return { exitCode, output: await cluster.log(namespace, pod.name, 'restic') };
};

interface StartedPod extends AsyncDisposable {
  readonly name: string;
  state(container: string): Promise<ReturnType<typeof podState>>;
}

/** A pod of ours, with its Secret if it has one. Both are gone when it is disposed of. */
export const startPod = async (
  { access, world }: VolumeOperation,
  { pod, secret }: Pick<TrustedPod, 'pod'> & Partial<TrustedPod>,
): Promise<StartedPod> => {
  const { cluster } = access;
  const { namespace, name } = pod.metadata;
  const remove = async (): Promise<void> => {
    await cluster.remove('pods', namespace, name);
    await cluster.remove('secrets', namespace, name);
    // Until it is gone it may still write.
    await waitUntil(
      { clock: world.clock, seconds: 120 },
      async () => ((await cluster.read('pods', namespace, name)) === undefined ? true : undefined),
      () => {
        throw new CharmError(
          'kubernetes-refused',
          `The pod ${name} does not end. Its node may be down. Run: kubectl delete pod --namespace ${namespace} ${name} --force`,
        );
      },
    );
  };
  if (secret !== undefined) await cluster.create('secrets', secret);
  try {
    await cluster.create('pods', pod);
  } catch (error) {
    await cluster.remove('secrets', namespace, name);
    throw error;
  }
  return {
    name,
    state: async (container) => {
      const found = await cluster.read('pods', namespace, name);
      if (found) return podState(found, container);
      throw new CharmError(
        'volume-command-failed',
        `The pod ${name} of the namespace ${namespace} was deleted, by somebody or because its node was drained. Run the action again.`,
      );
    },
    [Symbol.asyncDispose]: remove,
  };
};

/** Says why a pod has not started, from what Kubernetes wrote about it. */
export const notStarted = async (
  { access }: VolumeOperation,
  namespace: string,
  name: string,
  why: string,
): Promise<CharmError> => {
  const warnings = await warningsAbout(access.cluster, namespace, name);
  // What follows from another warning comes after it, and does not say why.
  const warning =
    warnings.findLast((text) => cureIn(text) !== undefined && !/^Failed: Error: \w+$/.test(text)) ??
    warnings.at(-1) ??
    why;
  return new CharmError(
    'volume-not-started',
    `${namespace}: the pod ${name} did not start: ${firstLine(warning).replace(/\.$/, '')}. ${cureIn(`${warning} ${why}`) ?? 'See: kubectl get events'}`,
  );
};

const cures: readonly (readonly [RegExp, string])[] = [
  [/exceeded quota/i, "Raise the profile's quota by 1 CPU and the memory of volumes-memory."],
  [
    /(maximum|minimum) \w+ usage per|limit to request ratio/,
    'Let the LimitRange of the namespace allow requests of 100m CPU and 256Mi of memory, and limits of 1 CPU and the memory of volumes-memory.',
  ],
  [
    /PodSecurity|violates/,
    'Set volumes-run-as=notebook, or let the namespace enforce the pod security "baseline".',
  ],
  [/pull|image/i, 'Set restic-image and rclone-image to images that the nodes can pull.'],
  [
    /Multi-Attach/,
    'A pod on another node holds the volume: wait until that pod is gone. When there is none, a node that is down has it still: kubectl get volumeattachments',
  ],
  [
    /ReadWriteOncePod/,
    'A pod has the volume, and no second one may: stop the notebook, or set volumes-in-use=stop.',
  ],
  [
    /were unschedulable/,
    'The node that has the volume takes no pods: run the action again when it does, or when the notebook has moved.',
  ],
];

const cureIn = (text: string): string | undefined =>
  cures.find(([pattern]) => pattern.test(text))?.[1];
