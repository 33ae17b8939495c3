import { decode, encode, type SourceMapSegment } from '@jridgewell/sourcemap-codec';

/** What esbuild writes of version 3 of the format (ECMA-426). */
interface SourceMap {
  readonly sources: readonly string[];
  readonly mappings: string;
}

/**
 * A source map of a bundle without what it says of packages: the places in them tell nobody
 * anything, and are most of the map. Undefined when nothing of our own is left.
 */
export const ownSourceMap = (text: string): string | undefined => {
  const map = JSON.parse(text) as SourceMap;
  const own = map.sources.map((source) => !source.includes('node_modules/'));
  if (!own.includes(true)) return undefined;
  const places = own.map((isOwn, index) =>
    isOwn ? own.slice(0, index).filter(Boolean).length : -1,
  );
  const lines = decode(map.mappings).map((line) => withoutForeign(line, places));
  const sources = map.sources.filter((_, index) => own[index]);
  return JSON.stringify({ ...map, sources, mappings: encode(lines) });
};

/**
 * A segment holds until the next one. So what belongs to a package becomes a segment that names no
 * source, and only the first of several in a row is needed.
 */
const withoutForeign = (
  line: readonly SourceMapSegment[],
  places: readonly number[],
): SourceMapSegment[] => {
  const kept: SourceMapSegment[] = [];
  for (const [column, source, row, at] of line) {
    const place = source === undefined ? -1 : (places[source] ?? -1);
    if (place >= 0) kept.push([column, place, row ?? 0, at ?? 0]);
    else if (kept.at(-1)?.length !== 1) kept.push([column]);
  }
  return kept;
};
