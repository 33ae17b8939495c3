import { createHash, randomUUID } from 'node:crypto';
import { CharmError, hasCode, orProblem, type ErrorCode } from '../errors.ts';
import { etagOfParts } from '../repository/etag.ts';
import { layoutOf } from '../repository/layout.ts';
import type { ServerTraits } from '../repository/manifest.ts';
import { durationText } from '../text.ts';
import type { Clock, ObjectStore, PartUpload, Target } from '../world.ts';

/**
 * Finds out what the S3 server of the target really does, in our bucket and today: with at most ten
 * small requests, as far as AWS' promises are kept. What is written is deleted again. To be called
 * when it is known that the bucket can be written; rejects when a request fails otherwise than by a
 * trait.
 */
export const probeServer = async (
  { store, prefix }: Target,
  clock: Clock,
): Promise<ServerTraits> => {
  const key = layoutOf(prefix).writeTest(randomUUID());
  const keys = [key];
  try {
    const tags = await tryTags(store, key);
    const conditions = (await isRefused(
      () => store.put(key, content, { ifAbsent: true }),
      'object-exists',
    ))
      ? 'heeded'
      : 'ignored';
    const digests = (await isRefused(
      () => store.put(key, content, { md5: md5Of('other bytes') }),
      'store-corrupt',
      'store-refused',
    ))
      ? 'checked'
      : 'ignored';
    const hard = key + hardSegments;
    keys.push(hard);
    const written = clock.now().getTime();
    const etag = await tryParts(store, hard);
    const listed = await Array.fromAsync(store.list(key));
    const own = listed.find((object) => object.key === key);
    return {
      ...{ conditions, digests, tags },
      keys: etag !== undefined && listed.some((one) => one.key === hard) ? 'any' : 'limited',
      partEtags: etag === undefined ? 'unknown' : etag === partsEtag ? 'md5' : 'other',
      clockAheadSeconds: Math.round((written - (own?.lastModified.getTime() ?? written)) / 1000),
    };
  } finally {
    await orProblem(() => store.delete(keys));
  }
};

/** What an operator should know of a server, although a backup to it is possible. */
export const serverWarnings = ({ clockAheadSeconds: ahead }: ServerTraits): readonly string[] =>
  Math.abs(ahead) > 60
    ? [
        `The clock of this unit is ${durationText(Math.abs(ahead))} ${ahead > 0 ? 'ahead of' : 'behind'} that of the S3 server. No set is removed until they agree.`,
      ]
    : [];

/** In one line, for people. */
export const serverText = (traits: ServerTraits): string =>
  [
    `conditions ${traits.conditions}`,
    `Content-MD5 ${traits.digests}`,
    traits.tags === 'kept' ? 'tags kept' : 'no tags (the object list keeps them)',
    traits.keys === 'any' ? 'takes every key' : 'does not take every key',
    { md5: 'ETags of parts as in S3', other: 'ETags of parts of its own', unknown: '' }[
      traits.partEtags
    ],
    clockText(traits),
  ]
    .filter((text) => text !== '')
    .join(', ');

/** S3 tells whole seconds, so two of them are none. */
const clockText = ({ clockAheadSeconds: ahead }: ServerTraits): string =>
  Math.abs(ahead) <= 2
    ? 'clocks agree'
    : `its clock is ${durationText(Math.abs(ahead))} ${ahead > 0 ? 'behind' : 'ahead of'} ours`;

const content = 'Written to see what this server does. May be deleted.\n';

/**
 * Below another object, a segment that is a dot but for a space, and one of more than 255 bytes:
 * what servers that keep objects as files do not take.
 */
const hardSegments = `/. /${'x'.repeat(256)}`;

const md5Of = (text: string): string => createHash('md5').update(text).digest('hex');

const partsEtag = etagOfParts([md5Of(content)]);

/** A server without tags answers 501; some only let a few keys set them. */
const tryTags = async (store: ObjectStore, key: string): Promise<ServerTraits['tags']> => {
  const tags = { 'written by': 'ckf & backup' };
  const write = () => store.put(key, content, { metadata: { tags } });
  if (await isRefused(write, 'store-refuses-tags', 'store-refused', 'store-denied')) {
    await store.put(key, content);
    return 'refused';
  }
  const read = await orProblem(() => store.tags(key));
  return !(read instanceof CharmError) && read['written by'] === tags['written by']
    ? 'kept'
    : 'refused';
};

const isRefused = async (
  write: () => Promise<unknown>,
  ...codes: readonly ErrorCode[]
): Promise<boolean> => {
  try {
    await write();
    return false;
  } catch (error) {
    if (hasCode(error, ...codes)) return true;
    throw error;
  }
};

/** The ETag of an upload in one part; undefined when the server does not take this key. */
const tryParts = async (store: ObjectStore, key: string): Promise<string | undefined> => {
  let upload: PartUpload | undefined;
  try {
    upload = await store.startParts(key, {});
    const bytes = Buffer.from(content);
    await upload.put(1, bytes, bytes.length);
    return (await upload.complete()).etag;
  } catch (error) {
    await orProblem(async () => upload?.abort());
    if (hasCode(error, 'store-refused', 'store-denied')) return undefined;
    throw error;
  }
};
