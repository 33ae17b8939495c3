import { CharmError } from '../../errors.ts';
import { compareKeys } from '../../ports/key-order.ts';
import type { ObjectStore, StoredObject } from '../../world.ts';
import { quoteKey, type S3Client } from './client.ts';
import { archiveIn, etagIn } from './headers.ts';
import { createPageProgress } from './page-progress.ts';
import { elementsOf, textOf } from './xml.ts';

type Query = Readonly<Record<string, string>>;

/** The listings of the port. Keys travel percent-encoded, because XML cannot carry all of them. */
export const createLister = (
  client: S3Client,
): Pick<ObjectStore, 'probe' | 'list' | 'listPrefixes'> => ({
  probe: async () => {
    await askPage(client, 'list the bucket', { 'list-type': '2', 'max-keys': '1' });
  },
  list: async function* (prefix, { startAfter, upTo } = {}) {
    const query = startAfter ? { 'start-after': startAfter } : {};
    const isPast = (key: string): boolean => upTo !== undefined && compareKeys(key, upTo) > 0;
    const isLast = (xml: string): boolean => {
      const key = upTo === undefined ? undefined : lastKeyIn(xml, client);
      return key !== undefined && (key === upTo || isPast(key));
    };
    for await (const xml of pages(client, prefix, { query, isLast })) {
      const decode = decoderOf(xml, client);
      for (const entry of elementsOf(xml, 'Contents')) {
        const object = objectIn(entry, decode, client);
        if (isPast(object.key)) return;
        yield object;
      }
    }
  },
  listPrefixes: async function* (prefix) {
    for await (const xml of pages(client, prefix, { query: { delimiter: '/' } })) {
      const decode = decoderOf(xml, client);
      for (const entry of elementsOf(xml, 'CommonPrefixes'))
        yield decode(required(entry, 'Prefix', client));
    }
  },
});

const askPage = async (client: S3Client, doing: string, query: Query): Promise<string> => {
  const encoded = { ...query, 'encoding-type': 'url' };
  return (await client.ask({ method: 'GET', doing, query: encoded })).bytes.toString('utf8');
};

interface Paging {
  readonly query: Query;
  /** Whether no page after this one is needed. */
  readonly isLast?: (xml: string) => boolean;
}

/** The pages of a listing; the next one is on its way while one is being used. */
async function* pages(
  client: S3Client,
  prefix: string,
  { query, isLast = () => false }: Paging,
): AsyncGenerator<string> {
  const doing = `list ${quoteKey(prefix)}`;
  const whole = { 'list-type': '2', ...(prefix && { prefix }), ...query };
  let coming: Promise<string> | undefined = askPage(client, doing, whole);
  const advance = createPageProgress(client, doing);
  while (coming) {
    const xml: string = await coming;
    coming = undefined;
    if (textOf(xml, 'IsTruncated') === 'true' && !isLast(xml)) {
      const next = required(xml, 'NextContinuationToken', client);
      advance(lastKeyIn(xml, client), next);
      coming = askPage(client, doing, { ...whole, 'continuation-token': next });
      // A reader that stops halfway does not wait for it any more.
      coming.catch(() => undefined);
    }
    yield xml;
  }
}

/** The last key of a page, or the last folder, whichever comes later. */
const lastKeyIn = (xml: string, client: S3Client): string | undefined => {
  const decode = decoderOf(xml, client);
  const last = [
    ['<Contents>', 'Key'],
    ['<CommonPrefixes>', 'Prefix'],
  ] as const;
  const [one, other] = last.flatMap(([entry, name]) => {
    const start = xml.lastIndexOf(entry);
    return start < 0 ? [] : [decode(required(xml.slice(start), name, client))];
  });
  return one !== undefined && other !== undefined && compareKeys(one, other) < 0 ? other : one;
};

const objectIn = (
  entry: string,
  decode: (text: string) => string,
  client: S3Client,
): StoredObject => ({
  key: decode(required(entry, 'Key', client)),
  size: Number(required(entry, 'Size', client)),
  etag: etagIn(required(entry, 'ETag', client)) ?? '',
  lastModified: new Date(required(entry, 'LastModified', client)),
  ...archiveIn(textOf(entry, 'StorageClass')),
});

/** A server says in its reply whether it has encoded the keys. */
export const decoderOf = (xml: string, client: S3Client): ((text: string) => string) =>
  textOf(xml, 'EncodingType') === 'url' ? (text) => decodeKey(text, client) : (text) => text;

/** Some servers (AWS, MinIO) write a space as a plus, and all write a plus as %2B. */
export const decodeKey = (text: string, client: S3Client): string => {
  if (!/[%+]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new CharmError(
      'store-refused',
      `The ${client.description} lists the key ${quoteKey(text)}, which is not UTF-8 as S3 demands. Rename or delete that object.`,
    );
  }
};

export const required = (xml: string, tag: string, { description }: S3Client): string => {
  const text = textOf(xml, tag);
  if (text === undefined)
    throw new CharmError(
      'store-refused',
      `A listing of ${description} has no ${tag}: what answers there does not speak S3. Check the endpoint.`,
    );
  return text;
};
