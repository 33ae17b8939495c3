/** Where a bucket answers, and how its keys are written in a URL. */
export interface S3Address {
  /** `https://host:port`, for connections. */
  readonly origin: string;
  /** The value of the `Host` header. */
  readonly host: string;
  /** The path of the bucket, encoded; empty when the bucket is part of the host's name. */
  readonly base: string;
  /** The path of a key, encoded; without a key, the path of the bucket. */
  pathOf(key: string | undefined): string;
}

export const addressOf = (endpoint: string, bucket: string, style: 'path' | 'host'): S3Address => {
  const url = new URL(endpoint);
  const host = style === 'host' ? `${bucket}.${url.host}` : url.host;
  const base = url.pathname.replace(/\/+$/, '') + (style === 'host' ? '' : `/${escapeS3(bucket)}`);
  return {
    origin: `${url.protocol}//${host}`,
    host,
    base,
    pathOf: (key) => (key === undefined ? base || '/' : `${base}/${escapeKey(key)}`),
  };
};

/**
 * A key as the path of a URL. Everything but slashes and RFC 3986's unreserved characters is
 * percent-encoded, so that the path that is sent is the path that was signed. `..` and `//` are
 * left as they are: they are part of the key.
 */
export const escapeKey = (key: string): string => key.split('/').map(escapeS3).join('/');

/** Percent-encodes as Signature Version 4 wants it, in paths and in queries. */
export const escapeS3 = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
