/** Where a bucket answers, and how its keys are written in a URL. */
export interface S3Address {
  /** `https://host:port`, for connections. */
  readonly origin: string;
  /** As in the `Host` header. */
  readonly host: string;
  /** The path and query of a request, encoded; without a key those of the bucket. */
  target(key: string | undefined, query: Readonly<Record<string, string>>): S3Target;
}

export interface S3Target {
  readonly path: string;
  /** With a leading `?`, or empty. */
  readonly search: string;
}

export const addressOf = (endpoint: string, bucket: string, style: 'path' | 'host'): S3Address => {
  const url = new URL(endpoint);
  const host = style === 'host' ? `${bucket}.${url.host}` : url.host;
  const base = url.pathname.replace(/\/+$/, '') + (style === 'host' ? '' : `/${escapeS3(bucket)}`);
  return {
    origin: `${url.protocol}//${host}`,
    host,
    target: (key, query) => ({
      path: key === undefined ? base || '/' : `${base}/${escapeKey(key)}`,
      search: searchOf(query),
    }),
  };
};

/**
 * A key as the path of a URL. Only RFC 3986's unreserved characters stay, so that the path that is signed is the path that
 * is sent; slashes stay too, and so do `..` and `//`, which no step on the way may tidy up.
 */
export const escapeKey = (key: string): string => key.split('/').map(escapeS3).join('/');

/** Percent-encodes as Signature Version 4 wants it, in paths and in queries. */
export const escapeS3 = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const searchOf = (query: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(query).map(
    ([name, value]) => `${escapeS3(name)}=${escapeS3(value)}`,
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
};
