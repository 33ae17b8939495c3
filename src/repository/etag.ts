import { createHash } from 'node:crypto';
import { etagOfParts, isMd5 } from '../ports/etags.ts';

/** How an object is cut into parts: all of `partSize` bytes but the last. */
export interface PartLayout {
  readonly partSize: number;
  readonly count: number;
}

const mebi = 2 ** 20;
/** S3's limits for each part but the last, and for the number of parts. */
export const smallestPart = 5 * mebi;
const largestPart = 5 * 2 ** 30;
const mostParts = 10_000;

/**
 * The part sizes of the common clients: 5 MiB for the AWS SDKs and rclone, 8 for aws-cli and boto3,
 * 16 for MinIO's clients; then round sizes.
 */
const usual = [5, 8, 16, 64, 128, 10, 15, 25, 32, 50, 100, 256, 512, 1024].map(
  (size) => size * mebi,
);

/**
 * Whether the ETags alone prove that two objects have the same bytes. Different ETags prove
 * nothing. Neither does the ETag of zeros and `-1`, which MinIO gives to every object without a
 * metadata file.
 */
export const provesContent = (
  copy: { readonly etag: string },
  source: { readonly etag: string },
): boolean =>
  (copy.etag === source.etag && !/^0+-\d+$/.test(source.etag)) ||
  // The source has one part, the copy is in one piece: then the source's ETag is made of the
  // copy's.
  (source.etag.endsWith('-1') && isMd5(copy.etag) && etagOfParts([copy.etag]) === source.etag);

/**
 * The layout that an object of this size and this many parts most likely has: one of the usual
 * sizes, or else the smallest whole MiB. Undefined when the target would refuse such parts.
 */
export const guessLayout = (size: number, count: number): PartLayout | undefined => {
  const fits = (partSize: number): boolean => Math.ceil(size / partSize) === count;
  const partSize = usual.find(fits) ?? Math.ceil(size / count / mebi) * mebi;
  return fits(partSize) ? layoutWith(size, partSize) : undefined;
};

/** The layout with parts of a known size, unless the target would refuse such parts. */
export const layoutWith = (size: number, partSize: number): PartLayout | undefined => {
  const count = Math.ceil(size / partSize);
  const allowed =
    count >= 1 &&
    count <= mostParts &&
    partSize <= largestPart &&
    (count === 1 || partSize >= smallestPart);
  return allowed ? { partSize, count } : undefined;
};

/** A layout of our own, when the source's is unknown or of no use. */
export const ownLayout = (size: number): PartLayout => {
  const partSize = Math.max(64 * mebi, Math.ceil(size / mostParts / mebi) * mebi);
  return { partSize, count: Math.max(1, Math.ceil(size / partSize)) };
};

/** The bytes of part `index`, counted from 0; `end` is inclusive. */
export const rangeOf = (
  { partSize }: PartLayout,
  size: number,
  index: number,
): { readonly start: number; readonly end: number } => ({
  start: index * partSize,
  end: Math.min(size, (index + 1) * partSize) - 1,
});

/** A checksum that is computed piece by piece. */
interface Running<Result> {
  update(chunk: Uint8Array): void;
  end(): Result;
}

/** The ETag that a content has in this layout; in one piece when it is undefined. */
export const createEtag = (layout: PartLayout | undefined): Running<string> => {
  const partSize = layout?.partSize ?? Infinity;
  const md5s: string[] = [];
  let part = createHash('md5');
  let room = partSize;
  return {
    update: (chunk) => {
      while (chunk.length > room) {
        md5s.push(part.update(chunk.subarray(0, room)).digest('hex'));
        part = createHash('md5');
        chunk = chunk.subarray(room);
        room = partSize;
      }
      part.update(chunk);
      room -= chunk.length;
    },
    end: () => {
      const last = part.digest('hex');
      return layout ? etagOfParts([...md5s, last]) : last;
    },
  };
};

/** The checksums of a content that is read once. */
export interface Checksums {
  readonly size: number;
  readonly md5: string;
  readonly sha256: string;
  /** The ETag that the content has in the given layout. */
  readonly parts: string | undefined;
}

export const createDigest = (layout: PartLayout | undefined): Running<Checksums> => {
  const md5 = createHash('md5');
  const sha256 = createHash('sha256');
  const parts = layout && createEtag(layout);
  let size = 0;
  return {
    update: (chunk) => {
      size += chunk.length;
      md5.update(chunk);
      sha256.update(chunk);
      parts?.update(chunk);
    },
    end: () => ({
      size,
      md5: md5.digest('hex'),
      sha256: sha256.digest('hex'),
      parts: parts?.end(),
    }),
  };
};
