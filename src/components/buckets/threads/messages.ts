import type { BandwidthPeriod } from '../../../config/bandwidth-limit.ts';
import type { CopyContext } from '../copy-context.ts';
import type { CopiedObject, CopyJob } from '../copy-object.ts';

/*
 * This folder has other threads copy objects too, so that a copy uses more than one core. The
 * thread of the operation lists, compares, decides and writes the list, as it does alone. What must
 * hold:
 *
 * - A thread is given one object after the other, and only while the pass goes on.
 * - What a thread does not bring to an end, because it failed or died, the operation's own thread
 *   does again. So no failure is hidden, and none has to be told from one thread to another.
 * - When a pass ends, no other thread writes any more.
 */

/** What all copies of a pass have in common; the rest of `CopyContext` is each thread's own. */
export interface ThreadPass extends Pick<
  CopyContext,
  'mirror' | 'history' | 'keepsTags' | 'confirmListed' | 'archive'
> {
  /** The source's. */
  readonly bucket: string;
  readonly timetable: readonly BandwidthPeriod[];
}

/** What a thread is told. Passes and copies have numbers. */
export type ToThread =
  | { readonly kind: 'begin'; readonly pass: number; readonly how: ThreadPass }
  | { readonly kind: 'copy'; readonly pass: number; readonly copy: number; readonly job: CopyJob }
  | { readonly kind: 'answer'; readonly question: number; readonly isYes: boolean }
  | { readonly kind: 'end'; readonly pass: number };

/** What a thread says. `bytes` are those that have moved since it last told of this copy. */
export type FromThread =
  | { readonly kind: 'moved'; readonly copy: number; readonly bytes: number }
  | {
      readonly kind: 'ended';
      readonly copy: number;
      readonly bytes: number;
      /** As the attempt left it. */
      readonly job: CopyJob;
      readonly usedParts: boolean;
      /** Undefined when the copy failed. */
      readonly done: { readonly result: CopiedObject | undefined } | undefined;
    }
  /** Whether something may be replaced, or so many bytes of the bandwidth be used. */
  | {
      readonly kind: 'may';
      readonly question: number;
      readonly pass: number;
      readonly use?: number;
    };
