import { CharmError, orProblem } from '../../errors.ts';
import { sizeText, sum } from '../../text.ts';
import type { Gateway } from './gateway.ts';
import type { VolumeOperation } from '../records/operation.ts';
import type { PlannedVolume } from '../claims/plan.ts';
import { bytesOf } from '../claims/quantity.ts';
import { repositorySize } from '../records/repository-content.ts';

/** Looks at a gateway while users' pods write through it. */
export interface GatewayWatch extends AsyncDisposable {
  /** Fires with a CharmError when it makes no sense, or is not allowed, to go on. */
  readonly signal: AbortSignal;
}

/** Milliseconds between two looks. */
const pause = 30_000;

/** S3 is asked at each so-manieth look only, because that takes a list of the repository. */
const looksPerList = 4;

/** What a few small volumes may need for restic's own files and for changes. */
const leastRoom = 2 ** 30;

/**
 * Ends the work when the gateway's pod ended, for which restic would wait a quarter of an hour, and
 * when the repository grows by more than twice what its volumes may hold: a user can write into the
 * own one whatever the gateway takes, and the bucket is everybody's.
 */
export const watchGateway = async (
  { target, layout, world }: Pick<VolumeOperation, 'target' | 'layout' | 'world'>,
  repository: string,
  gateway: Gateway,
  volumes: readonly PlannedVolume[],
): Promise<GatewayWatch> => {
  const size = () => repositorySize(target.store, layout, repository);
  const before = await size();
  const room = sum(volumes.map(({ claim }) => bytesOf(claim.size) ?? Infinity));
  const most = Math.max(leastRoom, 2 * room);
  const stop = new AbortController();
  const ended = new AbortController();

  const look = async (listed: boolean): Promise<CharmError | undefined> => {
    if (!(await gateway.isUp())) return gatewayLost(repository);
    if (!listed) return undefined;
    const grown = (await size()) - before;
    return grown > most ? flooded(repository, grown, most) : undefined;
  };
  const watch = async (): Promise<void> => {
    for (let looks = 1; !ended.signal.aborted; looks += 1) {
      try {
        await world.clock.sleep(pause, stop.signal);
      } catch {
        return;
      }
      // What cannot be looked at now is looked at the next time.
      await orProblem(async () => {
        const reason = await look(looks % looksPerList === 0);
        if (reason !== undefined) ended.abort(reason);
      });
    }
  };
  const watching = watch();
  return {
    signal: ended.signal,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await watching;
    },
  };
};

const gatewayLost = (repository: string): CharmError =>
  new CharmError(
    'volume-command-failed',
    `${repository}: the pod of the gateway ended before the backups had. Its node may have been drained: kubectl get events. Run the action again; what was uploaded is used.`,
  );

const flooded = (repository: string, grown: number, most: number): CharmError =>
  new CharmError(
    'volume-command-failed',
    `${repository}: the repository grew by ${sizeText(grown)} in this session, and its volumes may hold ${sizeText(most / 2)}, so that it was stopped. Somebody of that namespace may be filling the bucket. Backups that were made before are kept. If the volumes really hold that much, run backup-volumes again: what was uploaded is used.`,
  );
