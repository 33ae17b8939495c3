import { metadataIn } from '../../repository/listed-metadata.ts';
import type { ObjectListWriter } from '../../repository/object-list-writer.ts';
import { type Comparison, isUnchanged } from './compare.ts';
import type { Copies } from './copies.ts';
import { listedAs } from './copy-object.ts';
import type { ProgressOfBucket } from './progress.ts';

/** Milliseconds by which the clock of the source may be behind ours. */
const clockMargin = 30_000;
const mostNamed = 3;

interface Written {
  count: number;
  readonly first: string[];
}

/** What a pass over the source heeds, and what it notes on its way. */
interface Walk {
  readonly signal: AbortSignal;
  readonly quietSince: Date | undefined;
  readonly progress: ProgressOfBucket;
  readonly written: Written;
}

/**
 * Puts unchanged objects into the list and copies the others, until the source ends or it makes no
 * sense to go on. Returns how many objects the source listed.
 */
export const walkSource = async (
  comparisons: AsyncIterable<Comparison>,
  copies: Copies,
  list: ObjectListWriter,
  { signal, quietSince, progress, written }: Walk,
): Promise<number> => {
  const quiet = quietSince === undefined ? Infinity : quietSince.getTime() - clockMargin;
  let listed = 0;
  for await (const comparison of comparisons) {
    signal.throwIfAborted();
    const { source, mirror } = comparison;
    listed += 1;
    progress.list(source.size);
    const isMirrored = mirror !== undefined && isUnchanged(comparison);
    const known = comparison.listed?.etag === source.etag ? comparison.listed : undefined;
    const metadata = known && metadataIn(known);
    if (isMirrored && metadata) {
      copies.counts.unchanged += 1;
      copies.counts.bytes += source.size;
      progress.pass(source.size);
      list.add(listedAs(source, mirror.etag, { ...known, metadata }));
      if (known.tags) copies.counts.tagsListed += 1;
      if (known.tagsUnreadable) copies.counts.tagsUnreadable += 1;
    } else if (isMirrored) {
      // No list tells what belongs to it.
      await copies.start(comparison, list.reserve(), { asks: 'metadata', sha256: known?.sha256 });
    } else {
      if (source.lastModified.getTime() >= quiet) note(written, source.key);
      await copies.start(comparison, list.reserve(), { asks: 'all' });
    }
    if (copies.hopeless) break;
    if (listed % 1000 === 0) await list.drained();
  }
  progress.listingEnded();
  return listed;
};

const note = (written: Written, key: string): void => {
  written.count += 1;
  if (written.first.length < mostNamed) written.first.push(key);
};
