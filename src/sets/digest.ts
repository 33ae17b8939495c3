import { createHash } from 'node:crypto';
import { etagOfParts, type PartLayout } from '../backup/buckets/part-layout.ts';

/** The checksums of a content that is read once. */
export interface Digest {
  update(chunk: Uint8Array): void;
  end(): {
    readonly size: number;
    readonly md5: string;
    readonly sha256: string;
    /** The ETag that the content has in the given layout. */
    readonly parts: string | undefined;
  };
}

export const createDigest = (layout: PartLayout | undefined): Digest => {
  const md5 = createHash('md5');
  const sha256 = createHash('sha256');
  const md5s: string[] = [];
  let part = createHash('md5');
  let room = layout?.partSize ?? 0;
  let size = 0;
  const updateParts = (rest: Uint8Array, partSize: number): void => {
    while (rest.length > room) {
      md5s.push(part.update(rest.subarray(0, room)).digest('hex'));
      part = createHash('md5');
      rest = rest.subarray(room);
      room = partSize;
    }
    part.update(rest);
    room -= rest.length;
  };
  return {
    update: (chunk) => {
      size += chunk.length;
      md5.update(chunk);
      sha256.update(chunk);
      if (layout) updateParts(chunk, layout.partSize);
    },
    end: () => ({
      size,
      md5: md5.digest('hex'),
      sha256: sha256.digest('hex'),
      parts: layout && etagOfParts([...md5s, part.digest('hex')]),
    }),
  };
};
