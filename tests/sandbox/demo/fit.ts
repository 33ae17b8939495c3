/** How wide a terminal is at least. */
export const columns = 80;

/**
 * Breaks lines that are longer than 80 characters between words. What is broken off goes on below
 * the last column of a table, or two characters further in than the line began.
 */
export const fit = (text: string): string => text.split('\n').flatMap(fitLine).join('\n');

const fitLine = (line: string): readonly string[] => {
  if (line.length <= columns) return [line];
  const indent = ' '.repeat(indentOf(line));
  const space = line.lastIndexOf(' ', columns);
  // A word that is longer than the line stays whole: it can be copied then.
  const cut = space > indent.length ? space : line.indexOf(' ', columns);
  if (cut === -1) return [line];
  return [line.slice(0, cut).trimEnd(), ...fitLine(indent + line.slice(cut).trimStart())];
};

const indentOf = (line: string): number => {
  const lastColumn = [...line.slice(0, columns / 2).matchAll(/\S {2,}(?=\S)/g)].at(-1);
  if (lastColumn !== undefined) return lastColumn.index + lastColumn[0].length;
  const [begin = ''] = /^(?:\d\d:\d\d:\d\d | *)/.exec(line) ?? [];
  return /\d/.test(begin) ? begin.length : begin.length + (begin === '' ? 2 : 0);
};
