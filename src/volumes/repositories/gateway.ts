import { randomBytes } from 'node:crypto';
import { CharmError, orProblem } from '../../errors.ts';
import { abortUploads } from '../../repository/unfinished-uploads.ts';
import { waitUntil } from '../../wait-until.ts';
import type { VolumeOperation } from '../records/operation.ts';
import { noteOthers } from '../restic/repository-locks.ts';
import { notStarted, startPod } from '../restic/repository-command.ts';
import { firstLine } from '../restic/restic.ts';
import { gatewayPod } from '../pods/trusted-pods.ts';

/** The open door to one repository. It is shut, and nobody writes any longer, once disposed of. */
export interface Gateway extends AsyncDisposable {
  readonly address: string;
  readonly password: string;
  /** Whether its pod still serves, as far as Kubernetes says. */
  isUp(): Promise<boolean>;
}

/**
 * A gateway goes with its node; more than two for one repository in one session are no accident.
 */
export const gateways = 2;

const startSeconds = 300;

/** What a pod’s state rejects with when somebody has deleted the pod. */
const podDeleted = 'volume-command-failed';

/**
 * Opens the gateway of a repository with a new password. Rejects with `volume-not-started` when its
 * pod does not start.
 */
export const openGateway = async (
  operation: VolumeOperation,
  repository: string,
): Promise<Gateway> => {
  const { access, session, config, world } = operation;
  const { cluster, storage } = access;
  const { namespace } = cluster;
  const password = randomBytes(24).toString('hex');
  await using opened = new AsyncDisposableStack();
  const pod = opened.use(
    await startPod(
      operation,
      gatewayPod({ namespace, session, repository, storage, config }, password),
    ),
  );
  let why = 'not ready';
  const address = await waitUntil(
    { clock: world.clock, seconds: startSeconds, signal: world.signal },
    async () => {
      const state = await pod.state('rclone');
      if (state.kind === 'running' && state.ready && state.address !== '') return state.address;
      if (state.kind === 'ended' || (state.kind === 'waiting' && state.imageProblem))
        throw await notStarted(
          ...([operation, namespace, pod.name] as const),
          state.kind === 'ended'
            ? `rclone ended with status ${state.exitCode}: ${firstLine(state.message)}`
            : state.why,
        );
      if (state.kind === 'waiting') ({ why } = state);
      return undefined;
    },
    async () => {
      throw await notStarted(operation, namespace, pod.name, why);
    },
  );
  const stack = opened.move();
  return {
    ...{ address, password },
    isUp: async () => {
      const state = await orProblem(() => pod.state('rclone'));
      if (state instanceof CharmError && state.code !== podDeleted) throw state;
      return !(state instanceof CharmError) && state.kind !== 'ended';
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};

/**
 * Works through the gateway of a repository. When this resolves, whatever happened, the gateway is
 * shut, the locks and unfinished uploads are gone that users' processes have left, and it is noted
 * when somebody else is at work there.
 */
export const throughGateway = async <T>(
  operation: VolumeOperation,
  repository: string,
  work: (gateway: Gateway) => Promise<T>,
): Promise<T> => {
  await using opened = new AsyncDisposableStack();
  opened.defer(async () => {
    await noteOthers(operation, repository);
    await abortUploads(operation.target.store, operation.layout.repository(repository));
  });
  return await work(opened.use(await openGateway(operation, repository)));
};
