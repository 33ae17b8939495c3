import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { CharmError } from '../../errors.ts';
import { createEtag, type PartLayout } from '../../repository/etag.ts';
import type { StoredObject } from '../../world.ts';
import type { CopyContext } from './copy-context.ts';
import { metered } from './metered.ts';

/** What was written to the target, as we read it from the source. */
interface Written {
  /** In the target. */
  readonly key: string;
  readonly size: number;
  /** The ETag that these bytes have in this layout. */
  readonly etag: string;
  /** Undefined for an object in one piece. */
  readonly layout: PartLayout | undefined;
  /** Whether the MD5 was sent along, so that the server would have refused other bytes. */
  readonly told: boolean;
}

/**
 * Compares the ETag in the target's reply with what was sent. `replied` is undefined when the reply
 * could not be trusted. Resolves with the ETag that the target's listing will show; rejects with
 * `store-corrupt` when the target holds something else. When the ETags differ, the object is read
 * back. If it is right, the ETags of this target are taken to be no MD5s, as with encryption by a
 * key service, and the next objects are not read back.
 */
export const confirmWritten = async (
  context: CopyContext,
  written: Written,
  replied: string | undefined,
): Promise<string> => {
  const { to, learnt, signal } = context;
  if (replied === written.etag || (replied !== undefined && written.told && learnt.opaqueEtags))
    return replied;
  const found = await to.head(written.key);
  if (found?.etag === written.etag) return found.etag;
  if (found?.size === written.size) {
    const { body } = await to.get(written.key, { etag: found.etag, signal });
    if ((await etagOfContent(context, body, written.layout)) === written.etag) {
      learnt.opaqueEtags = true;
      return found.etag;
    }
  }
  throw new CharmError(
    'store-corrupt',
    `The ${to.description} did not store ${written.key} as it was sent: it has the ETag ${found?.etag ?? replied ?? ''} instead of ${written.etag}. The source is untouched; run the backup again, and look at that server when it happens again.`,
  );
};

/**
 * Checks a copy that the server made before the original is overwritten: some servers answer 200
 * and make no copy. The copy of an object in parts, or under a key service, may have another ETag.
 * The first such copy is compared byte for byte, the others by size. Deletes a wrong copy, and
 * rejects with `store-corrupt`.
 */
export const confirmKept = async (
  context: CopyContext,
  original: StoredObject,
  key: string,
): Promise<void> => {
  const { to, learnt } = context;
  const found = await to.head(key);
  if (found?.size === original.size) {
    if (found.etag === original.etag || learnt.opaqueCopies) return;
    if ((await sha256Of(context, found)) === (await sha256Of(context, original))) {
      learnt.opaqueCopies = true;
      return;
    }
  }
  if (found !== undefined) await to.delete([key]);
  const what =
    found === undefined
      ? 'there is no such object'
      : `its copy has ${found.size} bytes instead of ${original.size}, or other ones`;
  throw new CharmError(
    'store-corrupt',
    `The ${to.description} said that it copied ${original.key} to ${key}, but ${what}. The older version was not overwritten. Run the backup again, and look at that server when it happens again.`,
  );
};

const sha256Of = async (
  { to, signal }: CopyContext,
  { key, etag }: StoredObject,
): Promise<string> => {
  const { body } = await to.get(key, { etag, signal });
  const hash = createHash('sha256');
  const chunks: AsyncIterable<Uint8Array> = body;
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
};

/**
 * Reads the first object with a Content-Encoding of each pass back, and checks the size of the
 * others. Some servers, and some proxies before them, unpack such objects; then a restore could not
 * bring them back. Rejects with `store-corrupt`.
 */
export const confirmReadable = async (
  context: CopyContext,
  { key, size, etag, layout }: Written,
  { contentEncoding = 'identity' }: { readonly contentEncoding?: string },
): Promise<void> => {
  const { to, learnt, signal } = context;
  if (contentEncoding === 'identity') return;
  const found = await to.head(key);
  if (found?.size === size && learnt.givesPackedBack) return;
  if (found?.size === size) {
    const { body } = await to.get(key, { etag: found.etag, signal });
    learnt.givesPackedBack = (await etagOfContent(context, body, layout)) === etag;
    if (learnt.givesPackedBack) return;
  }
  throw new CharmError(
    'store-corrupt',
    `${to.description} does not give ${key} back as it was sent: it has the Content-Encoding ${contentEncoding}, and that server, or a proxy before` +
      ' it, unpacks such objects. A restore could not bring it back, so there is no set. Give the charm an address behind that proxy, or switch its compression off.',
  );
};

/**
 * Rejects with `store-refused` when the target stores an object that was just copied, and does not
 * list it. MinIO does so with an object below another one (`a` and `a/b`), and then `verify-backup`
 * and `prune` would not know of it.
 */
export const confirmListed = async ({ to, mirror }: CopyContext, key: string): Promise<void> => {
  const at = mirror + key;
  for await (const found of to.list(at, { upTo: at })) if (found.key === at) return;
  throw new CharmError(
    'store-refused',
    `${to.description} has ${at} and does not list it. MinIO hides an object whose key begins with that of another object and a slash.` +
      ' There is no set, because it could not be verified. Rename one of the two in the source, or use another server as target.',
    {
      why: `${to.description} does not list it, as MinIO does with objects below others. Rename one of the two, or use another server as target.`,
    },
  );
};

/** The ETag that a content has in a layout, read within the bandwidth. */
export const etagOfContent = async (
  context: CopyContext,
  body: Readable,
  layout: PartLayout | undefined,
): Promise<string> => {
  const etag = createEtag(layout);
  const chunks: AsyncIterable<Uint8Array> = metered(context, body, () => undefined);
  for await (const chunk of chunks) etag.update(chunk);
  return etag.end();
};
