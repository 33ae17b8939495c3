import type { Readable } from 'node:stream';
import { GetObjectTaggingCommand } from '@aws-sdk/client-s3';
import { hasCode } from '../../errors.ts';
import type { ObjectContent, ObjectStore } from '../../world.ts';
import { quoteKey, type S3Call, type S3Client } from './client.ts';
import { describedBy, sizeIn, writeHeaders } from './headers.ts';
import { createLister } from './listing.ts';
import type { S3Answer } from './reply.ts';
import type { S3Headers } from './request.ts';

/** The id of the version of an object that is meant; rejects with `object-missing`. */
export type ChooseVersion = (key: string) => Promise<string>;

/** The reading half of the port, one object at a time: the newest version unless one is chosen. */
export const createReader = (
  client: S3Client,
  choose?: ChooseVersion,
): Pick<ObjectStore, 'head' | 'get' | 'fetch' | 'read' | 'tags'> => {
  const { touch } = writeHeaders(client.options);
  const versionIn = async (key: string): Promise<Readonly<Record<string, string>>> =>
    choose ? { versionId: await choose(key) } : {};

  /**
   * The size to use when there is no Content-Length even in a reply to a client that takes gzip.
   */
  const sizeInListing = async (key: string): Promise<number | undefined> => {
    for await (const found of createLister(client).list(key, { upTo: key }))
      if (found.key === key) return found.size;
    return undefined;
  };

  /**
   * Asks without gzip; when that reply has no length, asks again with it, so that Google gives the
   * bytes that are stored.
   */
  const askForStored = async (request: S3Call): Promise<S3Answer> => {
    const answer = await client.ask(request);
    return sizeIn(answer.headers) === undefined ? client.ask({ ...request, packed: true }) : answer;
  };

  const describe = async (key: string, { headers }: Pick<S3Answer, 'headers'>) =>
    describedBy(
      key,
      { headers },
      client.description,
      sizeIn(headers) === undefined ? await sizeInListing(key) : undefined,
    );

  return {
    head: async (key, { part } = {}) => {
      const doing = `look at ${quoteKey(key)}`;
      try {
        const query = {
          ...(await versionIn(key)),
          ...(part !== undefined && { partNumber: String(part) }),
        };
        const answer = await askForStored({ method: 'HEAD', key, doing, query, headers: touch });
        const described = await describe(key, answer);
        const length = Number(answer.headers['content-length'] ?? described.size);
        const lockedUntil = lockedUntilIn(answer.headers);
        return {
          ...described,
          ...(part !== undefined && { size: length }),
          ...(lockedUntil && { lockedUntil }),
        };
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
      const query = await versionIn(key);
      const request = {
        ...{ method: 'GET' as const, key, doing, headers, query },
        ...(signal && { signal }),
      };
      const first = await client.call(request, async (response) => response);
      let response = first;
      if (sizeIn(first.headers) === undefined) {
        drop(first.body);
        response = await client.call({ ...request, packed: true }, async (again) => again);
      }
      const body = response.body.explained((error) => client.explain(error, doing));
      try {
        const described = await describe(key, response);
        return { ...described, tagCount: tagCountIn(response.headers), body };
      } catch (error) {
        drop(body);
        throw error;
      }
    },

    fetch: async (key, { etag } = {}) => {
      const doing = `read ${quoteKey(key)}`;
      const headers = { ...touch, ...(etag !== undefined && { 'if-match': `"${etag}"` }) };
      const answer = await askForStored({
        ...{ method: 'GET', key, doing, headers },
        query: await versionIn(key),
      });
      return {
        ...(await describe(key, answer)),
        tagCount: tagCountIn(answer.headers),
        bytes: answer.bytes,
      };
    },

    read: async (key) => {
      const doing = `read ${quoteKey(key)}`;
      const query = await versionIn(key);
      return (await askForStored({ method: 'GET', key, doing, query, headers: touch })).bytes;
    },

    tags: async (key) => {
      const VersionId = (await versionIn(key))['versionId'];
      const { TagSet = [] } = await client.control(
        { key, doing: `read the tags of ${quoteKey(key)}`, aboutTags: 'read' },
        (sdk, options) =>
          sdk.send(
            new GetObjectTaggingCommand({
              ...{ Bucket: client.options.bucket, Key: key },
              ...(VersionId !== undefined && { VersionId }),
            }),
            options,
          ),
      );
      return Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value]));
    },
  };
};

/** A legal hold has no end; then this is the last day that there is. */
const lockedUntilIn = (headers: S3Headers): Date | undefined => {
  if (headers['x-amz-object-lock-legal-hold'] === 'ON') return new Date(8.64e15);
  const until = new Date(headers['x-amz-object-lock-retain-until-date'] ?? NaN);
  return Number.isNaN(until.getTime()) ? undefined : until;
};

const tagCountIn = (headers: S3Headers): number => Number(headers['x-amz-tagging-count'] ?? 0);

const drop = (body: Readable): void => {
  body.on('error', () => undefined);
  body.destroy();
};
