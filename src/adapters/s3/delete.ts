import { createHash } from 'node:crypto';
import { hasCode } from '../../errors.ts';
import { quoteKey, type S3Client } from './client.ts';
import { xmlIn } from './read.ts';
import { escapeXml, fitsXml } from './xml.ts';

/**
 * Deletes objects, a thousand with one request. It carries a Content-MD5, which every server since MinIO 2021 takes and old
 * ones insist on. Keys that XML cannot carry (control characters) are deleted one by one. Rejects with the first refusal.
 */
export const deleteKeys = async (client: S3Client, keys: readonly string[]): Promise<void> => {
  const together = keys.length > 1 ? keys.filter(fitsXml) : [];
  for (let at = 0; at < together.length; at += most)
    await deleteTogether(client, together.slice(at, at + most));
  for (const key of keys.length > 1 ? keys.filter((one) => !fitsXml(one)) : keys)
    await deleteOne(client, key);
};

/** S3's limit for one request. */
const most = 1000;

const deleteOne = async (client: S3Client, key: string): Promise<void> => {
  try {
    await client.call(
      { method: 'DELETE', key, doing: `delete ${quoteKey(key)}`, tidies: true },
      async ({ body }) => body.resume(),
    );
  } catch (error) {
    if (!hasCode(error, 'object-missing')) throw error;
  }
};

const deleteTogether = async (client: S3Client, keys: readonly string[]): Promise<void> => {
  const objects = keys.map((key) => `<Object><Key>${escapeXml(key)}</Key></Object>`).join('');
  const body = Buffer.from(
    `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>${objects}</Delete>`,
  );
  await client.call(
    {
      method: 'POST',
      doing: `delete ${keys.length} objects`,
      query: { delete: '' },
      headers: {
        'content-type': 'application/xml',
        'content-md5': createHash('md5').update(body).digest('base64'),
      },
      body,
      size: body.length,
      tidies: true,
    },
    // The reply is 200 also when some were refused, and names only those, because of Quiet.
    xmlIn,
  );
};
