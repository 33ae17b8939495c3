import {
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
} from '@aws-sdk/client-s3';
import { CharmError } from '../../errors.ts';
import type { ObjectStore } from '../../world.ts';
import { quoteKey, type S3Client } from './client.ts';
import { decodeKey } from './listing.ts';
import { createPageProgress } from './page-progress.ts';

/**
 * The uploads in parts that were begun and neither finished nor aborted. RadosGW encodes their keys
 * without saying so, and does not encode its markers. So it is asked a second time, without
 * encoding.
 */
export const listUploads: (
  client: S3Client,
  prefix: string,
) => ReturnType<ObjectStore['unfinishedUploads']> = async function* (client, prefix) {
  const doing = `list the unfinished uploads of ${quoteKey(prefix)}`;
  const advance = createPageProgress(client, doing, { manyOfAKey: true });
  let after: Markers = {};
  for (;;) {
    const encoded = await ask(client, prefix, after, 'url');
    const saysSo = encoded.EncodingType === 'url';
    const page =
      saysSo || !encoded.Uploads?.length ? encoded : await ask(client, prefix, after, undefined);
    const decode = (text: string): string => (saysSo ? decodeKey(text, client) : text);
    let last: string | undefined;
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      last = decode(required(Key, 'Key', client));
      yield {
        key: last,
        uploadId: required(UploadId, 'UploadId', client),
        initiated: required(Initiated, 'Initiated', client),
      };
    }
    if (page.IsTruncated !== true) return;
    after = {
      KeyMarker: decode(required(page.NextKeyMarker, 'NextKeyMarker', client)),
      UploadIdMarker: required(page.NextUploadIdMarker, 'NextUploadIdMarker', client),
    };
    advance(last, JSON.stringify(after));
  }
};

interface Markers {
  readonly KeyMarker?: string;
  readonly UploadIdMarker?: string;
}

const ask = (
  client: S3Client,
  prefix: string,
  after: Markers,
  EncodingType: 'url' | undefined,
): Promise<ListMultipartUploadsCommandOutput> =>
  client.control({ doing: `list the unfinished uploads of ${quoteKey(prefix)}` }, (sdk, options) =>
    sdk.send(
      new ListMultipartUploadsCommand({
        Bucket: client.options.bucket,
        ...(prefix && { Prefix: prefix }),
        ...(EncodingType && { EncodingType }),
        ...after,
      }),
      options,
    ),
  );

const required = <Value>(value: Value | undefined, name: string, client: S3Client): Value => {
  if (value !== undefined) return value;
  throw new CharmError(
    'store-refused',
    `A list of unfinished uploads of ${client.description} has no ${name}: what answers there does not speak S3. Check the endpoint.`,
  );
};
