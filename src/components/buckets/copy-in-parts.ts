import { createHash, type Hash } from 'node:crypto';
import { CharmError, hasCode } from '../../errors.ts';
import { etagOfParts, partsOf } from '../../ports/etags.ts';
import {
  guessLayout,
  layoutWith,
  ownLayout,
  rangeOf,
  type PartLayout,
} from '../../repository/etag.ts';
import type { ObjectContent, PartUpload, StoredObject } from '../../world.ts';
import { confirmWritten } from './confirm-written.ts';
import type { CopyContext, Moved } from './copy-context.ts';
import type { Copy } from './copy-whole.ts';
import { metered } from './metered.ts';
import {
  learnsToTell,
  digestOf,
  readAgain,
  openObject,
  belongingsOf,
  type Belongings,
} from './read-source.ts';

const sideBySide = 4;
const attempts = 3;

/**
 * Copies an object in parts, in the layout that it has in the source, so that its ETag is the same
 * and proves the copy. When the source tells the layout, several parts are copied at a time. When
 * it can only be guessed, the parts are copied one after the other, to compute a digest of the
 * whole: if the guess was wrong, no ETag proves what was read. Then the source is read a second
 * time, and the digest goes into the list. The upload is aborted when it fails.
 */
export const copyParts = async (
  context: CopyContext,
  source: StoredObject,
  moved: Moved,
): Promise<Copy> => {
  const told = await toldLayout(context, source);
  let before: string | undefined;
  if (told) {
    const { mirrorEtag, etag, belongings } = await transfer(
      context,
      source,
      { layout: told, width: sideBySide },
      moved,
    );
    if (etag === source.etag) return { mirrorEtag, contentEtag: etag, belongings };
    moved(-source.size);
    before = etag;
  }
  const layout =
    told ?? guessLayout(source.size, partsOf(source.etag) ?? 0) ?? ownLayout(source.size);
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  const { mirrorEtag, etag, digests, belongings } = await transfer(
    context,
    source,
    { layout, width: 1, hashes: [sha256, md5] },
    moved,
  );
  if (etag === source.etag) return { mirrorEtag, contentEtag: etag, belongings };
  if (digests[1] !== source.etag && etag !== before) await readAgain(context, source, layout, etag);
  return { mirrorEtag, contentEtag: etag, sha256: digests[0] ?? '', belongings };
};

/**
 * The layout that the source tells. RadosGW before 20 does not tell, and answers with the whole
 * object.
 */
export const toldLayout = async (
  { from }: Pick<CopyContext, 'from'>,
  { key, size, etag }: StoredObject,
): Promise<PartLayout | undefined> => {
  const count = partsOf(etag);
  if (count === undefined) return undefined;
  const part = await from.head(key, { part: 1 });
  if (part?.etag !== etag) throw new CharmError('object-changed', `${key} has changed.`);
  const layout = layoutWith(size, part.size);
  return layout?.count === count ? layout : undefined;
};

/** How an object is copied in parts. */
interface Way {
  readonly layout: PartLayout;
  /** So many parts at a time; one when there are hashes, which need the parts in their order. */
  readonly width: number;
  /** Of the whole. */
  readonly hashes?: readonly Hash[];
}

interface Transferred {
  readonly mirrorEtag: string;
  /** The ETag of what was read, in the layout that was used. */
  readonly etag: string;
  readonly digests: readonly string[];
  readonly belongings: Belongings;
}

const transfer = async (
  context: CopyContext,
  source: StoredObject,
  { layout, width, hashes = [] }: Way,
  moved: Moved,
): Promise<Transferred> => {
  const key = context.mirror + source.key;
  let total = 0;
  const count: Moved = (bytes) => {
    total += bytes;
    moved(bytes);
  };
  const first = await openObject(context, source, {
    range: rangeOf(layout, source.size, 0),
    signal: context.signal,
  });
  let upload: PartUpload | undefined;
  try {
    context.learnt.usedParts = true;
    const { metadata, belongings } = await belongingsOf(context, first);
    upload = await context.to.startParts(key, metadata);
    const { md5s, digests } = await copyAll(
      { context, source, layout, upload, moved: count },
      first,
      width,
      hashes,
    );
    // This makes the object visible, and the parts may have taken a long time.
    await context.mayWrite?.();
    const replied = (await upload.complete()).etag;
    const etag = etagOfParts(md5s);
    const written = { key, size: source.size, etag, layout, told: false };
    const mirrorEtag = await confirmWritten(context, written, replied);
    return { mirrorEtag, etag, digests, belongings };
  } catch (error) {
    moved(-total);
    first.body.destroy();
    await upload?.abort().catch(() => undefined);
    throw error;
  }
};

interface Run {
  readonly context: CopyContext;
  readonly source: StoredObject;
  readonly layout: PartLayout;
  readonly upload: PartUpload;
  readonly moved: Moved;
}

/** Copies the parts, `width` at a time; with hashes of the whole they have to come in order. */
const copyAll = async (
  run: Run,
  first: ObjectContent,
  width: number,
  hashes: readonly Hash[],
): Promise<{ readonly md5s: readonly string[]; readonly digests: readonly string[] }> => {
  const md5s = new Array<string>(run.layout.count);
  let wholes = hashes;
  let opened: ObjectContent | undefined = first;
  let next = 0;
  let failed = false;
  const work = async (): Promise<void> => {
    while (next < run.layout.count && !failed) {
      const index = next;
      next += 1;
      const content = index === 0 ? opened : undefined;
      opened = undefined;
      const copied = await copyPart(run, index, content, wholes);
      md5s[index] = copied.md5;
      wholes = copied.wholes;
    }
  };
  const results = await Promise.allSettled(
    Array.from({ length: width }, () =>
      work().catch((error: unknown) => {
        failed = true;
        throw error;
      }),
    ),
  );
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
  return { md5s, digests: wholes.map((hash) => hash.digest('hex')) };
};

const copyPart = async (
  { context, source, layout, upload, moved }: Run,
  index: number,
  opened: ObjectContent | undefined,
  before: readonly Hash[],
): Promise<{ readonly md5: string; readonly wholes: readonly Hash[] }> => {
  const range = rangeOf(layout, source.size, index);
  const size = range.end - range.start + 1;
  for (let attempt = 1; ; attempt += 1) {
    const md5 = createHash('md5');
    const wholes = before.map((hash) => hash.copy());
    let total = 0;
    let body: ObjectContent['body'] | undefined;
    try {
      const told = context.learnt.wantsDigests ? await digestOf(context, source, range) : undefined;
      body =
        (attempt === 1 ? opened : undefined)?.body ??
        (await openObject(context, source, { range, signal: context.signal })).body;
      const count: Moved = (bytes) => {
        total += bytes;
        moved(bytes);
      };
      const { etag } = await upload.put(
        index + 1,
        metered(context, body, count, [md5, ...wholes]),
        size,
        told,
      );
      const own = md5.digest('hex');
      if (etag === own || context.learnt.opaqueEtags || attempt === attempts)
        return { md5: own, wholes };
      moved(-total);
    } catch (error) {
      moved(-total);
      body?.destroy();
      if (learnsToTell(context, error)) continue;
      if (attempt === attempts || hasCode(error, 'object-changed', 'object-missing')) throw error;
    }
    await context.clock.sleep(200 * 2 ** attempt, context.signal);
  }
};
