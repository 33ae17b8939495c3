import type { Clock, ObjectStore, StoredObject } from '../../world.ts';
import type { Bandwidth } from './bandwidth.ts';

/** What every copy of a pass works with. */
export interface CopyContext {
  /** Is only read: the source, or a backup set that stands for it in a restore. */
  readonly from: Pick<ObjectStore, 'description' | 'get' | 'fetch' | 'head' | 'tags'>;
  readonly to: ObjectStore;
  /** The keys of the mirror and of the replaced versions begin with these. */
  readonly mirror: string;
  readonly history: string;
  /**
   * Whether an object of the target has the bytes of the source's although their ETags differ;
   * without it, it is copied.
   */
  readonly hasContent?: (there: StoredObject, source: StoredObject) => Promise<boolean>;
  /** Whether what is replaced has to be kept. */
  readonly archive: boolean;
  /**
   * Asked before anything in the target is replaced; rejects when another operation works there by
   * now.
   */
  readonly mayWrite?: () => Promise<void>;
  readonly bandwidth: Bandwidth;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** What was found out in this pass. */
  readonly learnt: {
    /**
     * Its ETags are not MD5s although it stores what it is given, as with encryption by a key
     * service.
     */
    opaqueEtags: boolean;
    /** Its own copies have other ETags than their originals although they have the same bytes. */
    opaqueCopies: boolean;
    /** It refuses writes without Content-MD5, as AWS does in a bucket with Object Lock. */
    wantsDigests: boolean;
    /** It gives objects with a Content-Encoding back as it got them. */
    givesPackedBack: boolean;
    /** Uploads in parts were begun, and one whose beginning was not answered may be left. */
    usedParts: boolean;
  };
}

/**
 * Told of every piece of payload that moved; a negative number takes back what a failed attempt had
 * moved.
 */
export type Moved = (bytes: number) => void;

export const nothingLearnt = (): CopyContext['learnt'] => ({
  opaqueEtags: false,
  opaqueCopies: false,
  wantsDigests: false,
  givesPackedBack: false,
  usedParts: false,
});
