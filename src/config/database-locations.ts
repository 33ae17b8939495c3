import { type DatabaseEndpoint, databaseEndpoints } from './components.ts';
import { isBucket } from './options.ts';
import { isRegion, parseEndpoint, parsePath } from './places.ts';
import { listOf } from './volumes.ts';

/** Where an S3 storage is. Never with keys. */
export interface StorageLocation {
  /** The URL of the server. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region?: string;
  readonly path?: string;
}

export type DatabaseLocations = Readonly<Partial<Record<DatabaseEndpoint, StorageLocation>>>;

/**
 * Reads `kfp-db=https://<server>/<bucket>/<path>?region=<region>,katib-db=…`; path and region may be
 * left out. Undefined when it is something else.
 */
export const parseDatabaseLocations = (text: string): DatabaseLocations | undefined => {
  const found: Partial<Record<DatabaseEndpoint, StorageLocation>> = {};
  for (const entry of listOf(text)) {
    const [, name, url = ''] = /^([^=]*)=(.*)$/s.exec(entry) ?? [];
    const database = databaseEndpoints.find((known) => known === name);
    const location = parseUrl(url);
    if (database === undefined || location === undefined || found[database]) return undefined;
    found[database] = location;
  }
  return found;
};

const parseUrl = (text: string): StorageLocation | undefined => {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return undefined;
  if (url.username !== '' || url.password !== '' || url.hash !== '') return undefined;
  const [, query = ''] = text.split('?');
  const [, region] = /^region=(.+)$/.exec(query) ?? [];
  if (query !== '' && (region === undefined || !isRegion(region))) return undefined;
  const [bucket = '', ...folders] = url.pathname.slice(1).split('/');
  return locationOf({ endpoint: url.origin, bucket, region, path: folders.join('/') });
};

/** A location of what somebody said; undefined when it is not complete, or cannot be one. */
export const locationOf = ({
  endpoint: given,
  bucket,
  region,
  path: folders = '',
}: {
  readonly endpoint: string | undefined;
  readonly bucket: string | undefined;
  readonly region: string | undefined;
  readonly path: string | undefined;
}): StorageLocation | undefined => {
  if (bucket === undefined || !isBucket(bucket)) return undefined;
  if (region !== undefined && !isRegion(region)) return undefined;
  const endpoint = parseEndpoint(given, region);
  const path = parsePath(folders);
  if (endpoint === undefined || path === undefined) return undefined;
  return {
    ...{ endpoint, bucket },
    ...(region !== undefined && { region }),
    ...(path !== '' && { path }),
  };
};
