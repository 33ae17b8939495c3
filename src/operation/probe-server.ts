import { randomUUID } from 'node:crypto';
import { CharmError, hasCode, orProblem, type ErrorCode } from '../errors.ts';
import { etagOfParts, md5Of } from '../ports/etags.ts';
import { layoutOf } from '../repository/layout.ts';
import type { ServerTraits } from '../repository/manifest.ts';
import { durationText } from '../text.ts';
import type { Clock, ObjectStore, PartUpload, Target } from '../world.ts';

/**
 * Finds out what the S3 server of the target really does, in our bucket and today. Takes at most
 * ten small requests, and one more on RadosGW 16 with versioning. Deletes what it wrote. To be
 * called when it is known that the bucket can be written. Rejects when a request fails for another
 * reason than a known trait of a server.
 */
export const probeServer = async (
  { store, prefix }: Target,
  clock: Clock,
): Promise<ServerTraits> => {
  const base = layoutOf(prefix).writeTest(randomUUID());
  // In the order of S3 this one comes before what lies below `base`.
  const key = `${base}!`;
  const hard = base + hardSegments;
  const easy = `${base}/x`;
  const keys = [key, hard];
  try {
    let sent = clock.now().getTime();
    const { tags, versionId } = await tryTags(store, key);
    const again = clock.now().getTime();
    const isGuarded = await isRefused(
      () => store.put(key, content, { ifAbsent: true }),
      'object-exists',
    );
    if (!isGuarded) sent = again;
    const isChecked = await isRefused(
      () => store.put(key, content, { md5: md5Of('other bytes') }),
      'store-corrupt',
      'store-refused',
    );
    const etag = await tryParts(store, hard);
    if (etag === undefined) {
      keys.push(easy);
      await store.put(easy, content);
    }
    const listed = await Array.fromAsync(store.list(base));
    const [first, second] = listed.map((object) => object.key);
    if (second === key && (first === hard || first === easy)) throw outOfOrder(store);
    const own = listed.find((object) => object.key === key);
    return {
      conditions: isGuarded ? 'heeded' : 'ignored',
      digests: isChecked ? 'checked' : 'ignored',
      tags,
      keys: etag !== undefined && listed.some((one) => one.key === hard) ? 'any' : 'limited',
      partEtags: etag === undefined ? 'unknown' : etag === partsEtag ? 'md5' : 'other',
      versions: versionId === undefined ? 'replaced' : 'kept',
      objectLock: versionId === undefined ? 'off' : await lockIn(store),
      clockAheadSeconds: Math.round((sent - (own?.lastModified.getTime() ?? sent)) / 1000),
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
    traits.tags === 'kept' ? 'tags kept' : 'does not take every tag (the object list keeps them)',
    traits.keys === 'any' ? 'takes every key' : 'does not take every key',
    { md5: 'ETags of parts as in S3', other: 'ETags of parts of its own', unknown: '' }[
      traits.partEtags
    ],
    traits.versions === 'kept' ? 'keeps versions' : '',
    traits.objectLock === 'on' ? 'Object Lock' : '',
    clockText(traits),
  ]
    .filter((text) => text !== '')
    .join(', ');

/** S3 tells whole seconds, so the two that differ by one may be the same moment. */
const clockText = ({ clockAheadSeconds: ahead }: ServerTraits): string =>
  Math.abs(ahead) <= 2
    ? 'clocks agree'
    : `its clock is ${durationText(Math.abs(ahead))} ${ahead > 0 ? 'behind' : 'ahead of'} ours`;

const content = 'Written to see what this server does. May be deleted.\n';

/**
 * A segment that is a dot and a space, and one of more than 255 bytes. Servers that keep objects as
 * files refuse these.
 */
const hardSegments = `/. /${'x'.repeat(256)}`;

const partsEtag = etagOfParts([md5Of(content)]);

/** Without that order no listing can be compared with another one. */
const outOfOrder = ({ description }: ObjectStore): CharmError =>
  new CharmError(
    'store-refused',
    `${description} lists "a/b" before "a!", so not in the order of S3, as SeaweedFS does. ckf-backup compares listings, and cannot back up to such a server. Nothing was changed.` +
      ' Use another S3 server, such as AWS, MinIO or RadosGW.',
  );

/**
 * A server without tags answers 501, AWS refuses many characters that MinIO takes, and some let
 * only a few keys set tags.
 */
const tryTags = async (
  store: ObjectStore,
  key: string,
): Promise<Pick<ServerTraits, 'tags'> & { readonly versionId: string | undefined }> => {
  const tags = { 'written by': 'ckf & backup, "100%" (ü)' };
  let versionId: string | undefined;
  try {
    ({ versionId } = await store.put(key, content, { metadata: { tags } }));
  } catch (error) {
    if (!hasCode(error, 'store-refuses-tags', 'store-refused', 'store-denied')) throw error;
    return { tags: 'refused', versionId: (await store.put(key, content)).versionId };
  }
  const read = await orProblem(() => store.tags(key));
  const isKept = !(read instanceof CharmError) && read['written by'] === tags['written by'];
  return { tags: isKept ? 'kept' : 'refused', versionId };
};

/** There is none without versions. */
const lockIn = async (store: ObjectStore): Promise<'on' | 'off' | 'unknown'> => {
  const { kind } = await store.objectLock();
  return kind === 'default' ? 'on' : kind;
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

/**
 * The ETag of an upload in one part; undefined when the server does not take this key. SeaweedFS
 * answers 500 then, although it was well a moment before.
 */
const tryParts = async (store: ObjectStore, key: string): Promise<string | undefined> => {
  let upload: PartUpload | undefined;
  try {
    upload = await store.startParts(key, {});
    const bytes = Buffer.from(content);
    await upload.put(1, bytes, bytes.length);
    return (await upload.complete()).etag;
  } catch (error) {
    await orProblem(async () => upload?.abort());
    if (hasCode(error, 'store-refused', 'store-denied', 'store-unreachable')) return undefined;
    throw error;
  }
};
