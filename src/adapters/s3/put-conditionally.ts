import { createHash } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { hasCode } from '../../errors.ts';
import { md5Of } from '../../ports/etags.ts';
import type { PutOptions } from '../../world.ts';
import type { S3Client, S3ControlCall } from './client.ts';
import { inBase64 } from './headers.ts';
import { createReader } from './read.ts';
import { readBack, writtenEtag, type Written } from './written.ts';

/** What a conditional write is for, and its headers, which include the condition. */
type ConditionalCall = S3ControlCall & { readonly key: string };

/**
 * PUT of a small object under a condition: the claim, the lock, a manifest. A repeated request may
 * find what the first one wrote: that is a success.
 */
export const putConditionally = async (
  client: S3Client,
  call: ConditionalCall,
  bytes: Uint8Array,
  { md5, ifMatch }: PutOptions,
): Promise<Written> => {
  let repeats = 0;
  const onRetry = (): void => {
    repeats += 1;
  };
  try {
    return await send(client, { ...call, onRetry }, bytes, md5);
  } catch (error) {
    if (!hasCode(error, 'object-exists', 'object-changed')) throw error;
    if (ifMatch === undefined && repeats === 0) throw error;
    const reader = createReader(client);
    const found = await reader.head(call.key);
    if (found !== undefined && found.etag === ifMatch)
      return send(client, withoutQuotes(call, ifMatch), bytes, md5);
    if (repeats > 0 && found?.size === bytes.length && (await reader.read(call.key)).equals(bytes))
      return { etag: found.etag };
    throw error;
  }
};

/** RadosGW before 20 compares If-Match of a PUT with the bare ETag. */
const withoutQuotes = (call: ConditionalCall, ifMatch: string): ConditionalCall => ({
  ...call,
  headers: { ...call.headers, 'if-match': ifMatch },
});

const send = async (
  client: S3Client,
  call: ConditionalCall,
  bytes: Uint8Array,
  md5 = md5Of(bytes),
): Promise<Written> => {
  const output = await client.control(call, (sdk, options) =>
    sdk.send(
      new PutObjectCommand({
        Bucket: client.options.bucket,
        Key: call.key,
        Body: bytes,
        ContentMD5: inBase64(md5),
      }),
      options,
    ),
  );
  const written = writtenEtag(output.ETag ? { etag: output.ETag } : {}, call.doing, client);
  if (written.etag === md5) return written;
  return readBack(client, call.key, call.doing, createHash('sha256').update(bytes).digest('hex'));
};
