import { partOfLimit } from '../../config/bandwidth-limit.ts';
import type { VolumesConfig } from '../../config/volumes.ts';
import type { Layout } from '../../repository/layout.ts';
import type { Lock } from '../../repository/lock.ts';
import type { Journal, Target, VolumeAccess, World } from '../../world.ts';
import type { SessionRecord } from './session-record.ts';

/** What every step of a session works with. */
export interface VolumeOperation {
  readonly session: string;
  readonly access: VolumeAccess;
  readonly target: Target;
  readonly layout: Layout;
  readonly config: VolumesConfig;
  /** What its progress is told goes into the log of the session. */
  readonly world: Pick<World, 'clock' | 'progress' | 'signal' | 'application'>;
  readonly lock: Lock;
  readonly journal: Journal;
  /** Repositories on which somebody else was at work: nothing may be removed there. */
  readonly occupied: Set<string>;
}

/** Of so many that work at the same time each one gets an equal part of the bandwidth. */
export const withPartOfLimit = (operation: VolumeOperation, parts: number): VolumeOperation => {
  const { config } = operation;
  const bandwidthLimit = partOfLimit(config.bandwidthLimit, parts);
  return { ...operation, config: { ...config, bandwidthLimit } };
};

/** What is enough to look, before a session has begun. */
export type OpenedVolumes = Omit<VolumeOperation, 'session' | 'lock' | 'journal' | 'occupied'>;

export interface OpenOperation extends VolumeOperation, AsyncDisposable {
  /**
   * Writes that the session runs, into the journal first: a hook that finds it there ends it. Asks
   * the images for their versions, once; when one is too old the session has ended.
   */
  start(record: SessionRecord): Promise<void>;
  /** Writes how it stands by now. */
  note(record: SessionRecord): Promise<void>;
  /** The same with the keys that may delete. To be called, and disposed of, before the end. */
  openTrusted(): Promise<VolumeOperation & AsyncDisposable>;
  /** Writes how the session ended; the journal need not remember it any longer. */
  end(record: SessionRecord): Promise<void>;
}
