import { CharmError } from '../../errors.ts';
import { abortUploads } from '../../repository/unfinished-uploads.ts';
import { countText, sizeText, sum } from '../../text.ts';
import { type Watch, watch } from '../pods/watch.ts';
import type { Gateway } from './gateway.ts';
import type { VolumeOperation } from '../records/operation.ts';
import { bytesOf } from '../claims/quantity.ts';
import { repositorySize } from '../records/repository-content.ts';

/** S3 is asked at each so-manieth look only, because that takes a list of the repository. */
const looksPerList = 4;

/** What a few small volumes may need for restic's own files and for changes. */
const leastRoom = 2 ** 30;

/** For each volume restic adds a snapshot, and an index every ten minutes or 50,000 blobs. */
const mostOthers = 2000;

/**
 * Ends the work when the gateway's pod ended or S3 refuses our keys, for which restic would wait a
 * quarter of an hour, and when the repository grows by more than twice what its volumes may hold
 * (`sizes`, as their claims have them), or by more small files than restic makes: a user can write
 * into the own one whatever the gateway takes, and the bucket and our memory are everybody's. What
 * is uploaded in parts is in no list before its end, and never restic's: it is aborted.
 */
export const watchGateway = async (
  { target, layout, world }: Pick<VolumeOperation, 'target' | 'layout' | 'world'>,
  repository: string,
  gateway: Gateway,
  sizes: readonly string[],
): Promise<Watch> => {
  const size = () => repositorySize(target.store, layout, repository);
  const before = await size();
  const room = sum(sizes.map((text) => bytesOf(text) ?? Infinity));
  const most = Math.max(leastRoom, 2 * room);
  return watch(world, async (look) => {
    if (!(await gateway.isUp())) return gatewayLost(repository);
    if (look % looksPerList !== 0) return undefined;
    await abortUploads(target.store, layout.repository(repository));
    const now = await size();
    const [grown, others] = [now.bytes - before.bytes, now.others - before.others];
    if (others > mostOthers) return flooded(repository, countText(others, 'small file'), '');
    return grown > most
      ? flooded(repository, sizeText(grown), ` and its volumes may hold ${sizeText(room)},`)
      : undefined;
  });
};

const gatewayLost = (repository: string): CharmError =>
  new CharmError(
    'volume-command-failed',
    `${repository}: the pod of the gateway ended before the work had. Its node may have been drained: kubectl get events. Run the action again; it goes on from there.`,
  );

const flooded = (repository: string, grown: string, against: string): CharmError =>
  new CharmError(
    'volume-command-failed',
    `${repository}: the repository grew by ${grown} in this session,${against} so that it was stopped. Somebody of that namespace may be filling the bucket. Backups that were made before are kept. If the volumes really hold that much, run the action again; it goes on from there.`,
  );
