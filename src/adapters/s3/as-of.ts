import { CharmError } from '../../errors.ts';
import { compareKeys } from '../../ports/key-order.ts';
import type { ObjectStore, StoredObject } from '../../world.ts';
import { quoteKey, type S3Client } from './client.ts';
import { createCopier } from './copy.ts';
import { etagIn } from './headers.ts';
import { decoderOf, required } from './listing.ts';
import { createPageProgress } from './page-progress.ts';
import { createReader, type ChooseVersion } from './read.ts';
import { textOf } from './xml.ts';

/** What `asOf` of the port reads as it was at `time`. */
export const readAsOf = (
  client: S3Client,
  time: Date,
): Pick<
  ObjectStore,
  'list' | 'listPrefixes' | 'head' | 'get' | 'fetch' | 'read' | 'tags' | 'copy'
> => {
  const objects = (prefix: string, place: Place = {}) =>
    objectsAt(client, prefix, { ...place, time });
  const choose: ChooseVersion = async (key) => {
    for await (const { key: found, versionId } of objects(key, { page: fewVersions })) {
      if (found === key) return versionId;
      // The key itself sorts before all that begin with it.
      break;
    }
    throw new CharmError(
      'object-missing',
      `There was no ${quoteKey(key)} in ${client.description} at ${time.toISOString()}.`,
    );
  };
  return {
    ...createReader(client, choose),
    copy: createCopier(client, choose),
    list: async function* (prefix, { startAfter, upTo } = {}) {
      for await (const { key, size, etag, lastModified } of objects(prefix, { from: startAfter })) {
        if (startAfter !== undefined && compareKeys(key, startAfter) <= 0) continue;
        if (upTo !== undefined && compareKeys(key, upTo) > 0) return;
        yield { key, size, etag, lastModified };
      }
    },
    listPrefixes: async function* (prefix) {
      let last: string | undefined;
      for await (const { key } of objects(prefix)) {
        const slash = key.indexOf('/', prefix.length);
        const found = slash < 0 ? undefined : key.slice(0, slash + 1);
        if (found !== undefined && found !== last) yield (last = found);
      }
    },
  };
};

/** Where a listing begins, and how many versions a page of it has at most. */
interface Place {
  readonly from?: string | undefined;
  readonly page?: number;
}

/** Of one object. A page of 1000 for each would be most of a restore. */
const fewVersions = 20;

interface Version extends StoredObject {
  readonly versionId: string;
  /** A delete marker: from then on the object was not there. */
  readonly isDeleted: boolean;
}

/** What was there at `time`, in the order of the keys. */
async function* objectsAt(
  client: S3Client,
  prefix: string,
  { time, ...place }: Place & { readonly time: Date },
): AsyncGenerator<Version> {
  let decided: string | undefined;
  // Of each key the newest version comes first.
  for await (const version of versions(client, prefix, place)) {
    if (version.key === decided || version.lastModified > time) continue;
    decided = version.key;
    if (!version.isDeleted) yield version;
  }
}

/**
 * ListObjectVersions. Not the SDK's, because XML cannot carry every key, and because it gives
 * versions and delete markers apart, without their order.
 */
async function* versions(
  client: S3Client,
  prefix: string,
  { from, page }: Place,
): AsyncGenerator<Version> {
  const doing = `list the versions of ${quoteKey(prefix)}`;
  let place: Readonly<Record<string, string>> = from ? { 'key-marker': from } : {};
  const advance = createPageProgress(client, doing, { manyOfAKey: true });
  for (;;) {
    const query = {
      ...{ versions: '', 'encoding-type': 'url', ...(prefix && { prefix }) },
      ...(page !== undefined && { 'max-keys': String(page) }),
      ...place,
    };
    const answer = await client.ask({ method: 'GET', doing, query });
    const xml = answer.bytes.toString('utf8');
    const decode = decoderOf(xml, client);
    const found = [...xml.matchAll(/<(Version|DeleteMarker)>(.*?)<\/\1>/gs)];
    let last: string | undefined;
    for (const [, kind, entry = ''] of found) {
      const version = versionIn(entry, kind, { decode, client });
      last = version.key;
      yield version;
    }
    if (textOf(xml, 'IsTruncated') !== 'true') return;
    const key = decode(required(xml, 'NextKeyMarker', client));
    const version = textOf(xml, 'NextVersionIdMarker');
    place = { 'key-marker': key, ...(version && { 'version-id-marker': version }) };
    advance(last, JSON.stringify(place));
  }
}

const versionIn = (
  entry: string,
  kind: string | undefined,
  { decode, client }: { readonly decode: (text: string) => string; readonly client: S3Client },
): Version => {
  const isDeleted = kind === 'DeleteMarker';
  return {
    key: decode(required(entry, 'Key', client)),
    size: isDeleted ? 0 : Number(required(entry, 'Size', client)),
    etag: isDeleted ? '' : (etagIn(required(entry, 'ETag', client)) ?? ''),
    lastModified: new Date(required(entry, 'LastModified', client)),
    versionId: required(entry, 'VersionId', client),
    isDeleted,
  };
};
