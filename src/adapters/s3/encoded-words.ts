/**
 * Decodes the encoded words of RFC 2047 (`=?UTF-8?q?J=C3=BCrgen?=`). AWS, and MinIO since 2022,
 * return user metadata beyond ASCII in this form. Anything else stays as it is.
 */
export const decodeWords = (text: string): string =>
  text.includes('=?')
    ? text
        // White space between two encoded words belongs to neither.
        .replace(/(\?=)\s+(?==\?)/g, '$1')
        .replace(/=\?([^?\s]+)\?([bq])\?([^?\s]*)\?=/gi, decodeWord)
    : text;

const decodeWord = (whole: string, charset: string, form: string, content: string): string => {
  const bytes =
    form.toLowerCase() === 'b' ? Buffer.from(content, 'base64') : bytesOfQuoted(content);
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return whole;
  }
};

const bytesOfQuoted = (content: string): Buffer =>
  Buffer.from(
    content
      .replaceAll('_', ' ')
      .replace(/=([0-9a-f]{2})/gi, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      ),
    'latin1',
  );
