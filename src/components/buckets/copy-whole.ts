import { createHash } from 'node:crypto';
import { CharmError, hasCode } from '../../errors.ts';
import { etagOfParts, isMd5, md5Of, partsOf } from '../../ports/etags.ts';
import { provesContent } from '../../repository/etag.ts';
import type { StoredObject } from '../../world.ts';
import { confirmReadable, confirmWritten } from './confirm-written.ts';
import type { CopyContext, Moved } from './copy-context.ts';
import { metered } from './metered.ts';
import {
  learnsToTell,
  digestOf,
  readAgain,
  openObject,
  belongingsOf,
  type Belongings,
  changed,
  unpacked,
} from './read-source.ts';

/** The result of a copy. */
export interface Copy {
  /** As the mirror's listing will show it. */
  readonly mirrorEtag: string;
  /**
   * The ETag of the content that was read, in the parts in which it was written; by our own hashes
   * or by the target's.
   */
  readonly contentEtag: string;
  /** Hex, of the whole content; present when no ETag proves it. */
  readonly sha256?: string;
  readonly belongings: Belongings;
  /** How long the servers took, in ms; of small objects only. */
  readonly latency?: number;
}

/**
 * Copies a small object through memory: one GET, one PUT. The source's ETag, an MD5, is sent along,
 * so that the target itself compares what arrives with what the source has.
 */
export const copySmall = async (
  context: CopyContext,
  source: StoredObject,
  moved: Moved,
): Promise<Copy> => {
  const { to, bandwidth, clock, signal } = context;
  if (bandwidth.grain() !== Infinity) await bandwidth.take(source.size, signal);
  const started = clock.now().getTime();
  signal.throwIfAborted();
  // Small requests end soon without the signal. Its listeners would cost as much time as the
  // signature.
  const content = await context.from.fetch(source.key, { etag: source.etag });
  if (content.etag !== source.etag) throw changed(context.from, source.key);
  const body = content.bytes;
  if (content.size !== source.size)
    throw unpacked(context.from, source.key, source.size, content.size);
  if (body.length !== content.size) throw cutShort(context, source, body.length);
  const { metadata, belongings } = await belongingsOf(context, content);
  const key = context.mirror + source.key;
  const md5 = isMd5(source.etag) ? source.etag : md5Of(body);
  if (contradicts(source.etag, md5)) return copyCarefully(context, source, moved);
  await context.mayWrite?.();
  let replied: string | undefined;
  try {
    replied = (await to.put(key, body, { metadata, md5 })).etag;
  } catch (error) {
    if (!hasCode(error, 'store-corrupt', 'store-refused')) throw error;
    if (md5Of(body) !== md5) return copyCarefully(context, source, moved);
    // Either the bytes were changed on their way, or only the ETag in the reply is odd. The target
    // is asked below.
    if (!hasCode(error, 'store-corrupt')) throw error;
  }
  const latency = clock.now().getTime() - started;
  const written = { key, size: body.length, etag: md5, layout: undefined, told: true };
  const mirrorEtag = await confirmWritten(context, written, replied);
  await confirmReadable(context, written, metadata);
  moved(body.length);
  return {
    ...{ mirrorEtag, contentEtag: md5, metadata },
    ...sha256Unless(source, md5, () => sha256Of(body)),
    ...{ belongings, latency },
  };
};

/** Copies an object in one PUT from one GET, as a stream. */
export const copyStreamed = async (
  context: CopyContext,
  source: StoredObject,
  moved: Moved,
): Promise<Copy> => {
  const md5 = source.etag;
  if (!isMd5(md5)) return copyCarefully(context, source, moved);
  const { to, signal } = context;
  const content = await openObject(context, source, { signal });
  const { size } = content;
  const key = context.mirror + source.key;
  let total = 0;
  try {
    const { metadata, belongings } = await belongingsOf(context, content);
    const body = metered(context, content.body, (bytes) => {
      total += bytes;
      moved(bytes);
    });
    await context.mayWrite?.();
    const { etag } = await to.put(key, body, { size, metadata, md5, signal });
    const written = { key, size, etag: md5, layout: undefined, told: true };
    const mirrorEtag = await confirmWritten(context, written, etag);
    await confirmReadable(context, written, metadata);
    return { mirrorEtag, contentEtag: md5, belongings };
  } catch (error) {
    moved(-total);
    content.body.destroy();
    // Perhaps the ETag is not the MD5 of the content, as with encryption in the source.
    if (!hasCode(error, 'store-corrupt', 'store-refused')) throw error;
    return copyCarefully(context, source, moved);
  }
};

/**
 * Copies an object whose ETag is not the MD5 of its content, or does not seem to be. The MD5 of
 * what is read is compared with what arrives. When the ETag contradicts it, the source is read a
 * second time, and must give the same content.
 */
const copyCarefully = async (
  context: CopyContext,
  source: StoredObject,
  moved: Moved,
): Promise<Copy> => {
  const { signal } = context;
  const told = context.learnt.wantsDigests ? await digestOf(context, source) : undefined;
  const content = await openObject(context, source, { signal });
  const { size } = content;
  const key = context.mirror + source.key;
  const hash = createHash('md5');
  const whole = createHash('sha256');
  let total = 0;
  let replied: string;
  let belongings: Belongings;
  try {
    const { metadata, ...found } = await belongingsOf(context, content);
    belongings = found.belongings;
    const body = metered(
      context,
      content.body,
      (bytes) => {
        total += bytes;
        moved(bytes);
      },
      [hash, whole],
    );
    await context.mayWrite?.();
    const digest = told !== undefined && { md5: told };
    replied = (await context.to.put(key, body, { size, metadata, signal, ...digest })).etag;
  } catch (error) {
    moved(-total);
    content.body.destroy();
    if (learnsToTell(context, error)) return copyCarefully(context, source, moved);
    throw error;
  }
  const md5 = hash.digest('hex');
  const written = { key, size, etag: md5, layout: undefined, told: false };
  const mirrorEtag = await confirmWritten(context, written, replied);
  if (contradicts(source.etag, md5)) await readAgain(context, source, undefined, md5);
  return {
    ...{ mirrorEtag, contentEtag: md5, belongings },
    ...sha256Unless(source, md5, () => whole.digest('hex')),
  };
};

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A digest for the list, when the source's ETag does not prove the content. */
const sha256Unless = (
  { etag }: StoredObject,
  md5: string,
  digest: () => string,
): { readonly sha256?: string } =>
  provesContent({ etag: md5 }, { etag }) ? {} : { sha256: digest() };

/** Whether an ETag has the form of an MD5, or of one part, and does not fit this MD5. */
const contradicts = (etag: string, md5: string): boolean =>
  isMd5(etag) ? etag !== md5 : partsOf(etag) === 1 && etag !== etagOfParts([md5]);

const cutShort = ({ from }: CopyContext, { key, size }: StoredObject, got: number): CharmError =>
  new CharmError(
    'store-unreachable',
    `The ${from.description} ended ${key} after ${got} of ${size} bytes.`,
  );
