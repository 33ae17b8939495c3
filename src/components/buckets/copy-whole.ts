import { createHash } from 'node:crypto';
import { CharmError, hasCode } from '../../errors.ts';
import type { ObjectContent, ObjectMetadata, ObjectStore, StoredObject } from '../../world.ts';
import { confirmReadable, confirmWritten, etagOfContent } from './confirm-written.ts';
import type { CopyContext, Moved } from './copy-context.ts';
import { metered } from './metered.ts';
import {
  etagOfParts,
  isMd5,
  partsOf,
  provesContent,
  type PartLayout,
} from '../../repository/etag.ts';

/** What a copy turned out to be. */
export interface Copy {
  /** As the mirror's listing will show it. */
  readonly mirrorEtag: string;
  /** The ETag that what was read has, by our own hashes or by the target's, in the parts in which it was written. */
  readonly contentEtag: string;
  /** Of the whole content, where no ETag proves it. */
  readonly sha256?: string;
  /** How long the servers took, in ms; of small objects only. */
  readonly latency?: number;
}

/**
 * Copies a small object through memory: one GET, one PUT. The source's ETag, an MD5, is sent along, so that the target itself compares what
 * arrives with what the source has.
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
  // Small ones end soon enough without the signal, whose listeners would cost as much as the signature.
  const content = await context.from.fetch(source.key, { etag: source.etag });
  if (content.etag !== source.etag) throw changed(context.from, source.key);
  const body = content.bytes;
  if (content.size !== source.size)
    throw unpacked(context.from, source.key, source.size, content.size);
  if (body.length !== content.size) throw cutShort(context, source, body.length);
  const metadata = await metadataOf(context, content);
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
    // Either the bytes were changed on their way, or only the ETag in the reply is odd: the target knows what it has.
    if (!hasCode(error, 'store-corrupt')) throw error;
  }
  const latency = clock.now().getTime() - started;
  const written = { key, size: body.length, etag: md5, layout: undefined, told: true };
  const mirrorEtag = await confirmWritten(context, written, replied);
  await confirmReadable(context, written, metadata);
  moved(body.length);
  return {
    mirrorEtag,
    contentEtag: md5,
    ...sha256Unless(source, md5, () => sha256Of(body)),
    latency,
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
    const metadata = await metadataOf(context, content);
    const body = metered(context, content.body, (bytes) => {
      total += bytes;
      moved(bytes);
    });
    await context.mayWrite?.();
    const { etag } = await to.put(key, body, { size, metadata, md5, signal });
    const written = { key, size, etag: md5, layout: undefined, told: true };
    const mirrorEtag = await confirmWritten(context, written, etag);
    await confirmReadable(context, written, metadata);
    return { mirrorEtag, contentEtag: md5 };
  } catch (error) {
    moved(-total);
    content.body.destroy();
    // It may be the ETag that is no MD5 of the content, as with encryption in the source.
    if (!hasCode(error, 'store-corrupt', 'store-refused')) throw error;
    return copyCarefully(context, source, moved);
  }
};

/**
 * Copies an object whose ETag is not the MD5 of its content, or does not seem to be. The MD5 is taken of what is read, and compared with
 * what arrives; when the ETag contradicts it, the source is read a second time, and must give the same.
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
  try {
    const metadata = await metadataOf(context, content);
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
    ...{ mirrorEtag, contentEtag: md5 },
    ...sha256Unless(source, md5, () => whole.digest('hex')),
  };
};

/** Whether the target has just refused a write because it was not told the MD5; from then on it is told every one. */
export const learnsToTell = ({ learnt }: CopyContext, error: unknown): boolean => {
  if (learnt.wantsDigests || !hasCode(error, 'store-wants-digest')) return false;
  learnt.wantsDigests = true;
  return true;
};

/** The MD5 of an object or a range of it. To read it twice takes less than to keep it: a part may have gigabytes. */
export const digestOf = async (
  context: CopyContext,
  source: StoredObject,
  range?: { readonly start: number; readonly end: number },
): Promise<string> => {
  const { signal } = context;
  const { body } = await openObject(context, source, { ...(range && { range }), signal });
  return etagOfContent(context, body, undefined);
};

/** Rejects with `store-corrupt` unless the source gives content with this ETag again, in this layout. */
export const readAgain = async (
  context: CopyContext,
  source: StoredObject,
  layout: PartLayout | undefined,
  etag: string,
): Promise<void> => {
  const { signal } = context;
  const { body } = await openObject(context, source, { signal });
  if ((await etagOfContent(context, body, layout)) === etag) return;
  throw new CharmError(
    'store-corrupt',
    `The ${context.from.description} gives different content for ${source.key} each time, and none has its ETag ${source.etag}. Run the backup again, and look at that server when it happens again.`,
  );
};

/** Opens the very object that was listed; rejects with `object-changed` when it is another one by now. */
export const openObject = async (
  { from }: CopyContext,
  { key, etag, size }: StoredObject,
  options: Omit<NonNullable<Parameters<ObjectStore['get']>[1]>, 'etag'>,
): Promise<ObjectContent> => {
  const content = await from.get(key, { etag, ...options });
  // It may break before somebody reads it, who is told of it then.
  content.body.on('error', () => undefined);
  if (content.etag === etag && content.size === size) return content;
  content.body.destroy();
  throw content.etag === etag ? unpacked(from, key, size, content.size) : changed(from, key);
};

/** Everything that belongs to the object besides its bytes. */
export const metadataOf = async (
  { from }: CopyContext,
  { key, metadata, tagCount }: Omit<ObjectContent, 'body'>,
): Promise<ObjectMetadata> =>
  tagCount === 0 ? metadata : { ...metadata, tags: await from.tags(key) };

const changed = ({ description }: CopyContext['from'], key: string): CharmError =>
  new CharmError('object-changed', `${key} in ${description} changed while it was read.`);

/** Something on the way, such as a proxy, changes what is stored. */
const unpacked = (
  { description }: CopyContext['from'],
  key: string,
  listed: number,
  got: number,
): CharmError =>
  new CharmError(
    'store-corrupt',
    `${description} lists ${key} with ${listed} bytes and gives ${got}. Something before that server packs or unpacks objects on their way,` +
      ' so they cannot be copied as they are. Nothing of this object was written. Give the charm an address behind that proxy, or switch its compression off.',
  );

const md5Of = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A digest for the list, when the source's ETag does not prove the content. */
const sha256Unless = (
  { etag }: StoredObject,
  md5: string,
  digest: () => string,
): { readonly sha256?: string } =>
  provesContent({ etag: md5 }, { etag }) ? {} : { sha256: digest() };

/** Whether an ETag that tells something about the content tells something else than this MD5. */
const contradicts = (etag: string, md5: string): boolean =>
  isMd5(etag) ? etag !== md5 : partsOf(etag) === 1 && etag !== etagOfParts([md5]);

const cutShort = ({ from }: CopyContext, { key, size }: StoredObject, got: number): CharmError =>
  new CharmError(
    'store-unreachable',
    `The ${from.description} ended ${key} after ${got} of ${size} bytes.`,
  );
