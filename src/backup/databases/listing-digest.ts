import { createHash } from 'node:crypto';
import type { StoredObject } from '../../world.ts';

/** The SHA-256 of a listing: each object's name, size and ETag, in the order of the listing. It is another one when any object is. */
export interface ListingDigest {
  /** `name` is what is left of the key when the place that was listed is taken away. */
  add(name: string, object: Pick<StoredObject, 'size' | 'etag'>): void;
  /** Hex. */
  end(): string;
}

export const createListingDigest = (): ListingDigest => {
  const hash = createHash('sha256');
  return {
    add: (name, { size, etag }) => {
      hash.update(`${JSON.stringify([name, size, etag])}\n`);
    },
    end: () => hash.digest('hex'),
  };
};
