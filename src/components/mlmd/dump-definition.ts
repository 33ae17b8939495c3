/** One match for each quote, comment mark, word, and other character that is not white space. */
const token = /'|"|`|\[|--|\/\*|[A-Za-z_]\w*|\S/g;
const closings: Readonly<Record<string, string>> = {
  "'": "'",
  '"': '"',
  '`': '`',
  '[': ']',
  '--': '\n',
  '/*': '*/',
};

/**
 * Where a definition ends: after its semicolon, or, for a trigger, after the semicolon that follows
 * its END (see sqlite3_complete). -1 when it goes on. Gives up after `longest` characters and
 * returns the position there.
 */
export const endOfDefinition = (
  text: string,
  { isTrigger, longest }: { readonly isTrigger: boolean; readonly longest: number },
): number => {
  let words = 0;
  let isEnd = false;
  token.lastIndex = 0;
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    const [mark] = found;
    if (token.lastIndex > longest) return token.lastIndex;
    const closing = closings[mark];
    if (closing !== undefined) {
      const end = text.indexOf(closing, token.lastIndex);
      if (end < 0) return -1;
      token.lastIndex = end + closing.length;
      if (mark !== '--' && mark !== '/*') words += 1;
    } else if (mark !== ';') {
      words += 1;
      isEnd = words === 1 && mark.toUpperCase() === 'END';
    } else {
      if (!isTrigger || (words === 1 && isEnd)) return token.lastIndex;
      words = 0;
      isEnd = false;
    }
  }
  return -1;
};
