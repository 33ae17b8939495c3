import { readFile } from 'node:fs/promises';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * A stack trace with places in the sources instead of places in the bundle. Node does that by
 * itself with --enable-source-maps, but then each hook pays for it: it is a quarter of the CPU of
 * an update-status. Lines that have no map stay as they are.
 */
export const stackInSource = async (stack: string): Promise<string> =>
  (await Promise.all(stack.split('\n').map(lineInSource))).join('\n');

const lineInSource = async (line: string): Promise<string> => {
  const [, before, url, row, column, after] =
    /^(\s+at .*?)(file:\/\/[^\s()]+):(\d+):(\d+)(\)?)$/.exec(line) ?? [];
  if (before === undefined || url === undefined) return line;
  try {
    const file = fileURLToPath(url);
    const map = new SourceMap(
      JSON.parse(await readFile(`${file}.map`, 'utf8')) as SourceMapPayload,
    );
    const place = map.findEntry(Number(row) - 1, Number(column) - 1);
    if (!('originalSource' in place)) return line;
    const source = join(dirname(file), place.originalSource);
    return `${before}${source}:${place.originalLine + 1}:${place.originalColumn + 1}${after ?? ''}`;
  } catch {
    return line;
  }
};
