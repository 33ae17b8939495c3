import type { Readable } from 'node:stream';
import { GetObjectTaggingCommand } from '@aws-sdk/client-s3';
import type { ObjectContent, ObjectStore } from '../../world.ts';
import { hasCode } from '../../errors.ts';
import { quoteKey, type S3Client } from './client.ts';
import type { S3Response } from './reply.ts';
import type { S3Headers } from './request.ts';
import { describedBy, writeHeaders } from './headers.ts';

/** The reading half of the port, one object at a time. */
export const createReader = (
  client: S3Client,
): Pick<ObjectStore, 'head' | 'get' | 'fetch' | 'read' | 'tags'> => {
  const { touch } = writeHeaders(client.options);
  return {
    head: async (key, { part } = {}) => {
      const doing = `look at ${quoteKey(key)}`;
      const query = part === undefined ? {} : { partNumber: String(part) };
      try {
        const answer = await client.ask({ method: 'HEAD', key, doing, query, headers: touch });
        const described = describedBy(key, answer, client.description);
        const length = Number(answer.headers['content-length']);
        return part === undefined ? described : { ...described, size: length };
      } catch (error) {
        if (hasCode(error, 'object-missing')) return undefined;
        throw error;
      }
    },

    get: async (key, { etag, range, signal } = {}): Promise<ObjectContent> => {
      const doing = `read ${quoteKey(key)}`;
      const headers = {
        ...touch,
        ...(etag !== undefined && { 'if-match': `"${etag}"` }),
        ...(range && { range: `bytes=${range.start}-${range.end}` }),
      };
      return client.call(
        { method: 'GET', key, doing, headers, ...(signal && { signal }) },
        async (response) => ({
          ...describedOrDropped(key, response, client.description),
          tagCount: tagCountIn(response.headers),
          body: response.body.explained((error) => client.explain(error, doing)),
        }),
      );
    },

    fetch: async (key, { etag } = {}) => {
      const doing = `read ${quoteKey(key)}`;
      const headers = { ...touch, ...(etag !== undefined && { 'if-match': `"${etag}"` }) };
      const answer = await client.ask({ method: 'GET', key, doing, headers });
      return {
        ...describedBy(key, answer, client.description),
        tagCount: tagCountIn(answer.headers),
        bytes: answer.bytes,
      };
    },

    read: async (key) => {
      const doing = `read ${quoteKey(key)}`;
      return (await client.ask({ method: 'GET', key, doing, headers: touch })).bytes;
    },

    tags: async (key) => {
      const { TagSet = [] } = await client.control(
        { key, doing: `read the tags of ${quoteKey(key)}` },
        (sdk, options) =>
          sdk.send(
            new GetObjectTaggingCommand({ Bucket: client.options.bucket, Key: key }),
            options,
          ),
      );
      return Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value]));
    },
  };
};

const tagCountIn = (headers: S3Headers): number => Number(headers['x-amz-tagging-count'] ?? 0);

const describedOrDropped = (
  key: string,
  response: S3Response,
  description: string,
): Omit<ObjectContent, 'body' | 'tagCount'> => {
  try {
    return describedBy(key, response, description);
  } catch (error) {
    drop(response.body);
    throw error;
  }
};

const drop = (body: Readable): void => {
  body.on('error', () => undefined);
  body.destroy();
};
