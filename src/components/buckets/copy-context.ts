import type { Clock, ObjectStore, StoredObject } from '../../world.ts';
import { judgeContent } from '../../repository/content.ts';
import type { Bandwidth } from './bandwidth.ts';
import type { StoredObjects } from './stored-set.ts';

/** What all copies of a pass share. */
export interface CopyContext {
  /** Only read from: the source, or in a restore the backup set. */
  readonly from: Pick<ObjectStore, 'description' | 'get' | 'fetch' | 'head' | 'tags' | 'origin'>;
  readonly to: ObjectStore;
  /** The keys of the mirror and of the replaced versions begin with these. */
  readonly mirror: string;
  readonly history: string;
  /**
   * Whether an object of the target has the same bytes as that of the source although their ETags
   * differ. Without this function, such an object is copied.
   */
  readonly hasContent?: (there: StoredObject, source: StoredObject) => Promise<boolean>;
  /** Whether the target keeps tags; where it does not, they go to the object list. */
  readonly keepsTags: boolean;
  /** Whether each copy under a new key has to show up in the target's listing. */
  readonly confirmListed: boolean;
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
  /** What this pass has learnt about the servers. */
  readonly learnt: {
    /**
     * The target's ETags are not MD5s although it stores what it is given, as with encryption by a
     * key service.
     */
    opaqueEtags: boolean;
    /**
     * Copies that the target makes have other ETags than their originals although they have the
     * same bytes.
     */
    opaqueCopies: boolean;
    /** The target refuses writes without Content-MD5, as AWS does in a bucket with Object Lock. */
    wantsDigests: boolean;
    /** The target gives objects with a Content-Encoding back as it got them. */
    givesPackedBack: boolean;
    /** Uploads in parts were begun, and some may be unfinished. */
    usedParts: boolean;
    /** The one server of both buckets does not copy between them so that its ETag proves it. */
    serverRefuses: boolean;
  };
}

/**
 * Is told of the bytes of every piece that moved. After a failed attempt it is told the negative
 * number.
 */
export type Moved = (bytes: number) => void;

/**
 * From this size on an object counts as four transfers: a few large objects fill a link, and each
 * needs memory.
 */
const large = 8 * 2 ** 20;

/** As how many transfers an object counts. */
export const weightOf = ({ size }: Pick<StoredObject, 'size'>): number => (size < large ? 1 : 4);

export const nothingLearnt = (): CopyContext['learnt'] => ({
  opaqueEtags: false,
  opaqueCopies: false,
  wantsDigests: false,
  givesPackedBack: false,
  usedParts: false,
  serverRefuses: false,
});

/** What is the same of all copies from a set back into a bucket. */
export const bringingBack = (
  set: StoredObjects,
  to: ObjectStore,
  signal: AbortSignal,
): Omit<CopyContext, 'mayWrite' | 'bandwidth' | 'clock' | 'signal' | 'learnt'> => ({
  ...{ from: set, to, mirror: '', history: '' },
  ...{ archive: false, keepsTags: true, confirmListed: false },
  hasContent: async (there, { key }) =>
    (await judgeContent(to, there, set.listed(key), signal)).kind === 'proven',
});
