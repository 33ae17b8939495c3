import { CharmError } from '../errors.ts';
import { sizeText } from '../text.ts';
import type { Manifest } from '../world.ts';
import { type Claim, toClaim, usersOf } from './claims/claims.ts';
import type { OpenedVolumes } from './records/operation.ts';
import { bytesOf } from './claims/quantity.ts';
import { existingRepository } from './repositories/repositories.ts';
import {
  type StoredBackup,
  type VolumeName,
  type WantedBackup,
  findBackup,
} from './records/stored-backups.ts';

export interface RestoreVolumeRequest {
  readonly volume: VolumeName;
  readonly backup: WantedBackup;
  /** Undefined for the volume itself. */
  readonly to: VolumeName | undefined;
  /** A folder of the volume; undefined to overwrite. */
  readonly into: string | undefined;
  readonly include: string | undefined;
  readonly deleteExtra: boolean;
  readonly create: boolean;
  readonly dryRun: boolean;
  readonly confirm: string;
}

export interface RestorePlan {
  readonly backup: StoredBackup;
  readonly to: VolumeName;
  readonly accessModes: readonly string[];
  /** The claim that has to be made; undefined when there is one. */
  readonly newClaim: Manifest | undefined;
  /** Files that are there may be replaced. */
  readonly overwrites: boolean;
}

/**
 * Looks at everything that a restore needs, and changes nothing. Rejects with the code of what
 * stands in the way.
 */
export const planRestore = async (
  operation: OpenedVolumes,
  request: RestoreVolumeRequest,
): Promise<RestorePlan> => {
  const { access, target, layout } = operation;
  const { cluster } = access;
  const { volume, into, create } = request;
  const to = request.to ?? volume;
  const name = `${to.namespace}/${to.claim}`;
  if (to.namespace !== volume.namespace)
    throw new CharmError(
      'parameter-invalid',
      `A volume can only be restored in its own namespace, ${volume.namespace}: a Job in ${to.namespace} would need the password of the backups, and everybody there could read it. Restore it there and copy the files.`,
    );
  const namespace = await cluster.read('namespaces', '', volume.namespace);
  if (namespace === undefined)
    throw new CharmError(
      'volume-missing',
      `There is no namespace ${volume.namespace}. Make the profile first, for the same owner, then run the action again.`,
    );
  const repository = await existingRepository(operation, namespace);
  const backup = await findBackup(target, layout, volume, request.backup);
  if (repository?.name !== backup.volume.repository)
    throw new CharmError(
      'volume-backup-missing',
      `The backup ${backup.session} belongs to a former profile ${volume.namespace} of another owner, and cannot be restored into this one.`,
    );
  const found = await cluster.read('persistentvolumeclaims', to.namespace, to.claim);
  if (found === undefined && !create)
    throw new CharmError(
      'volume-missing',
      `There is no volume ${name}. With create=true it is made as it was: ${backup.volume.size}, ${backup.volume.accessModes.join(', ')}.`,
    );
  const claim = found && toClaim(found);
  if (claim !== undefined) assertUsable(claim);
  const plan: RestorePlan = {
    ...{ backup, to },
    accessModes: claim?.accessModes ?? backup.volume.accessModes,
    newClaim: claim === undefined ? claimLike(backup, to) : undefined,
    overwrites: claim !== undefined && into === undefined,
  };
  const user = claim && (await usersOf(cluster, to.namespace)).get(to.claim);
  if (user !== undefined && (plan.overwrites || isForOnePod(plan))) throw inUse(plan, user.pod);
  assertFits(plan, claim?.size, request);
  if (plan.overwrites && !request.dryRun && request.confirm !== name)
    throw new CharmError(
      'parameter-invalid',
      `This replaces files in ${name}. Nothing was changed yet. Run the action again with confirm=${name}, with dry-run=true to see what it would do, or with into=<folder>.`,
    );
  return plan;
};

/** No second pod may have it, also not to restore into a folder of it. */
export const isForOnePod = ({ accessModes }: Pick<RestorePlan, 'accessModes'>): boolean =>
  accessModes.includes('ReadWriteOncePod');

export const inUse = (plan: Pick<RestorePlan, 'to' | 'accessModes'>, pod: string): CharmError =>
  new CharmError(
    'volume-in-use',
    `${plan.to.namespace}/${plan.to.claim} is in use by the pod ${pod}. Nothing was restored. Stop the notebook and run the action again, or restore ${isForOnePod(plan) ? 'to another volume with to=<claim>: this one is ReadWriteOncePod' : 'beside its files with into=<folder>'}.`,
  );

const assertUsable = ({ namespace, name, deleting, volumeMode }: Claim): void => {
  if (volumeMode === 'Block')
    throw new CharmError(
      'parameter-invalid',
      `${namespace}/${name} is a block device, which has no files. Nothing was restored. Restore to another volume with to=<claim>.`,
    );
  if (deleting)
    throw new CharmError(
      'volume-missing',
      `${namespace}/${name} is being deleted. Nothing was restored. Wait until it is gone, which it is when no pod uses it, and run the action again with create=true.`,
    );
};

const assertFits = (
  { backup, to }: RestorePlan,
  size: string | undefined,
  { include }: RestoreVolumeRequest,
): void => {
  const capacity = bytesOf(size ?? '');
  const { bytes = 0 } = backup.volume;
  if (capacity === undefined || include !== undefined || bytes <= capacity) return;
  throw new CharmError(
    'parameter-invalid',
    `The backup has ${sizeText(bytes)} and ${to.namespace}/${to.claim} has room for ${sizeText(capacity)}. Nothing was changed. Restore to a larger volume with to=<claim>, or a part of it with include=<path>.`,
  );
};

const claimLike = ({ volume }: StoredBackup, { namespace, claim }: VolumeName): Manifest => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { namespace, name: claim },
  spec: {
    accessModes: volume.accessModes,
    resources: { requests: { storage: volume.size } },
    ...(volume.storageClass !== undefined && { storageClassName: volume.storageClass }),
  },
});
