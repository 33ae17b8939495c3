import { secondText } from '../../text.ts';
import { CharmError } from '../../errors.ts';
import type { Layout } from '../../repository/layout.ts';
import type { ObjectStore, Target } from '../../world.ts';
import { type VolumeRecord, sessions } from './session-record.ts';

/** A backup of one volume that can be restored. */
export interface StoredBackup {
  /** The session in which it was made. */
  readonly session: string;
  readonly started: string;
  /** Of the session; that it began, when it was killed and nobody knows. */
  readonly finished: string;
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
  for await (const { id, kind, started, finished = started, volumes } of sessions(store, layout)) {
    if (kind !== 'backup') continue;
    for (const volume of volumes) {
      const { snapshot, repository, removed } = volume;
      if (snapshot !== undefined && repository !== undefined && removed === undefined)
        yield { session: id, started, finished, volume: { ...volume, snapshot, repository } };
    }
  }
}

/** Which backup of a volume. */
export type WantedBackup =
  | { readonly kind: 'latest' }
  | { readonly kind: 'session'; readonly id: string }
  /** The newest that had ended by then, so that nothing in it is younger. */
  | { readonly kind: 'as-of'; readonly time: Date };

/** Rejects with `volume-backup-missing`, and says what there is, when there is none. */
export const findBackup = async (
  { store, application }: Pick<Target, 'store' | 'application'>,
  layout: Layout,
  volume: VolumeName,
  wanted: WantedBackup,
): Promise<StoredBackup> => {
  let oldest: StoredBackup | undefined;
  for await (const backup of backupsOf(store, layout, volume)) {
    if (isWanted(backup, wanted)) return backup;
    oldest = backup;
  }
  const name = `${volume.namespace}/${volume.claim}`;
  throw new CharmError(
    'volume-backup-missing',
    `There is no backup ${missing(wanted, oldest)}of the volume ${name}. Nothing was changed. Run: juju run ${application}/leader list-volume-backups volume=${name}`,
  );
};

const isWanted = ({ session, finished }: StoredBackup, wanted: WantedBackup): boolean => {
  switch (wanted.kind) {
    case 'latest':
      return true;
    case 'session':
      return session === wanted.id;
    case 'as-of':
      return Date.parse(finished) <= wanted.time.getTime();
  }
};

/** In a sentence; ends with a space unless it is empty. */
const missing = (wanted: WantedBackup, oldest: StoredBackup | undefined): string => {
  switch (wanted.kind) {
    case 'latest':
      return '';
    case 'session':
      return `${wanted.id} `;
    case 'as-of':
      return `that had ended by ${secondText(wanted.time)}${oldest === undefined ? '' : ` (the oldest is ${oldest.session}, ended ${oldest.finished.slice(0, 19)}Z)`} `;
  }
};
