/**
 * The order in which S3 lists keys: by their UTF-8 bytes. JavaScript compares UTF-16 code units,
 * which puts the characters beyond U+FFFF (surrogate pairs) before U+E000 to U+FFFF instead of
 * after them; otherwise both orders are the same.
 */
export const compareKeys = (a: string, b: string): number => {
  if (a === b) return 0;
  const common = Math.min(a.length, b.length);
  for (let index = 0; index < common; index += 1) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
};

const rank = (unit: number): number => {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
};
