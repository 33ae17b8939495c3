import type { BandwidthPeriod } from '../../../config/bandwidth-limit.ts';
import type { ListedObject } from '../../../repository/object-list.ts';
import type { StoredObject } from '../../../world.ts';
import type { CopyContext } from '../copy-context.ts';
import type { CopyJob } from '../copy-object.ts';
import type { StoredPlaces } from '../stored-set.ts';

/*
 * This folder has other threads copy and read objects too, so that an operation uses more than one
 * core. The thread of the operation lists, compares, decides and writes the list, as it does alone.
 * What must hold:
 *
 * - A thread is given one object after the other, and only while the pass goes on.
 * - What a thread does not bring to an end, because it failed or died, the operation's own thread
 *   does again. So no failure is hidden, and none has to be told from one thread to another.
 * - When a pass ends, no other thread writes any more.
 */

/** What all jobs of a pass have in common; the rest is each thread's own. */
export type ThreadPass = CopyPass | RestorePass | ReadPass;

/** From a source into the mirror. */
export interface CopyPass extends Pick<
  CopyContext,
  'mirror' | 'history' | 'keepsTags' | 'confirmListed' | 'archive'
> {
  readonly kind: 'copy';
  /** The source's. */
  readonly bucket: string;
  readonly timetable: readonly BandwidthPeriod[];
}

/** From a set back into a bucket. */
export interface RestorePass {
  readonly kind: 'restore';
  readonly bucket: string;
  readonly set: StoredPlaces;
  readonly timetable: readonly BandwidthPeriod[];
}

/** Reads what the target has, and judges it. */
export interface ReadPass {
  readonly kind: 'read';
}

/** An object of the target that is to be read to its end. */
export interface ReadJob {
  readonly source: StoredObject;
  readonly listed: ListedObject;
}

/** A pass has jobs of one kind. */
export type ThreadJob = CopyJob | ReadJob;

/** What a thread is told. Passes and jobs have numbers. */
export type ToThread =
  | {
      readonly kind: 'begin';
      readonly pass: number;
      readonly how: ThreadPass;
      /** When the target is read as it was at a time. */
      readonly asOf?: Date;
    }
  | {
      readonly kind: 'do';
      readonly pass: number;
      readonly number: number;
      readonly job: ThreadJob;
    }
  | { readonly kind: 'answer'; readonly question: number; readonly isYes: boolean }
  | { readonly kind: 'end'; readonly pass: number };

/** What a thread says. `bytes` are those that have moved since it last told of this job. */
export type FromThread =
  | { readonly kind: 'moved'; readonly number: number; readonly bytes: number }
  | {
      readonly kind: 'ended';
      readonly number: number;
      readonly bytes: number;
      /** Of a copy: what the attempt has changed of its job. */
      readonly left?: Pick<CopyJob, 'source' | 'mirror' | 'archived'>;
      readonly usedParts: boolean;
      /** Undefined when the operation's own thread has to do it. */
      readonly done: { readonly result: unknown } | undefined;
    }
  /** Whether something may be replaced, or so many bytes of the bandwidth be used. */
  | {
      readonly kind: 'may';
      readonly question: number;
      readonly pass: number;
      readonly use?: number;
    };
