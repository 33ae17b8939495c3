import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { quoteKey, type S3Client } from './client.ts';
import { createReader } from './read.ts';
import { escapeXml } from './xml.ts';

/**
 * Sees to it that an object that was put together from parts has the tags that its upload was begun with: RadosGW 16 forgets
 * them. Costs nothing when there are none.
 */
export const keepTags = async (
  client: S3Client,
  key: string,
  tags: Readonly<Record<string, string>> = {},
): Promise<void> => {
  if (Object.keys(tags).length === 0) return;
  if (isDeepStrictEqual(await createReader(client).tags(key), { ...tags })) return;
  const body = taggingOf(tags);
  await client.ask({
    method: 'PUT',
    key,
    doing: `write the tags of ${quoteKey(key)}`,
    query: { tagging: '' },
    headers: {
      'content-type': 'application/xml',
      'content-md5': createHash('md5').update(body).digest('base64'),
    },
    body,
    size: body.length,
  });
};

const taggingOf = (tags: Readonly<Record<string, string>>): Uint8Array => {
  const inner = Object.entries(tags).map(
    ([name, value]) => `<Tag><Key>${escapeXml(name)}</Key><Value>${escapeXml(value)}</Value></Tag>`,
  );
  return Buffer.from(
    `<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>${inner.join('')}</TagSet></Tagging>`,
  );
};
