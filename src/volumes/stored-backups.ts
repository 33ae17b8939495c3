import { CharmError } from '../errors.ts';
import type { Layout } from '../repository/layout.ts';
import type { ObjectStore, Target } from '../world.ts';
import { type VolumeRecord, sessions } from './session-record.ts';

/** A backup of one volume that can be restored. */
export interface StoredBackup {
  /** The session in which it was made. */
  readonly session: string;
  readonly started: string;
  readonly volume: VolumeRecord & { readonly snapshot: string; readonly repository: string };
}

export interface VolumeName {
  readonly namespace: string;
  readonly claim: string;
}

/** The backups of one volume, newest first. */
export async function* backupsOf(
  store: ObjectStore,
  layout: Layout,
  { namespace, claim }: VolumeName,
): AsyncGenerator<StoredBackup> {
  for await (const backup of allBackups(store, layout))
    if (backup.volume.namespace === namespace && backup.volume.claim === claim) yield backup;
}

/** The backups of all volumes, newest first. */
export async function* allBackups(
  store: ObjectStore,
  layout: Layout,
): AsyncGenerator<StoredBackup> {
  for await (const { id, kind, started, volumes } of sessions(store, layout)) {
    if (kind !== 'backup') continue;
    for (const volume of volumes) {
      const { snapshot, repository } = volume;
      if (snapshot !== undefined && repository !== undefined)
        yield { session: id, started, volume: { ...volume, snapshot, repository } };
    }
  }
}

/** `latest`, or the id of a session. Rejects with `volume-backup-missing`. */
export const findBackup = async (
  { store, application }: Pick<Target, 'store' | 'application'>,
  layout: Layout,
  volume: VolumeName,
  wanted: string,
): Promise<StoredBackup> => {
  for await (const backup of backupsOf(store, layout, volume))
    if (wanted === 'latest' || backup.session === wanted) return backup;
  const name = `${volume.namespace}/${volume.claim}`;
  throw new CharmError(
    'volume-backup-missing',
    `There is no backup ${wanted === 'latest' ? '' : `${wanted} `}of the volume ${name}. Nothing was changed. Run: juju run ${application}/leader list-volume-backups volume=${name}`,
  );
};
