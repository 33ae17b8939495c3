const [character, line, margin] = [7.8, 18, 14];

/** Lines of a terminal as an SVG that needs nothing else. */
export const terminalPicture = (lines: readonly string[], columns: number): string => {
  const width = Math.ceil(columns * character) + 2 * margin;
  const height = lines.length * line + 2 * margin;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="13">`,
    '<rect width="100%" height="100%" rx="6" fill="#111217"/>',
    ...lines.map((text, index) => row(text, index)),
    '</svg>',
  ].join('\n')}\n`;
};

const row = (text: string, index: number): string =>
  `<text x="${margin}" y="${margin + 13 + index * line}" fill="${colourOf(text)}" xml:space="preserve">${escaped(text)}</text>`;

const colourOf = (text: string): string => {
  if (text.startsWith('$') || /^The /.test(text)) return '#ffffff';
  if (text.includes('  waiting: ')) return '#ff9830';
  return text.includes('  active: ') ? '#73bf69' : '#b0b3b8';
};

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
