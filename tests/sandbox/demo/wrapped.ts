/**
 * Lines of at most so many columns: the text behind its head, broken between words and continued
 * with this indent, by default below its beginning.
 */
export const wrapped = (
  head: string,
  text: string,
  columns: number,
  indent = head.length,
): readonly string[] => {
  const [first = '', ...words] = text.split(' ');
  const lines: string[] = [];
  let line = head + first;
  for (const word of words) {
    if (line.length + 1 + word.length <= columns) line += ` ${word}`;
    else {
      lines.push(line.trimEnd());
      line = ' '.repeat(indent) + word;
    }
  }
  return [...lines, line.trimEnd()];
};
