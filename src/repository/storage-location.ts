import type { StorageLocation } from '../config/database-locations.ts';
import type { BackupManifest, DatabaseBackup } from './manifest.ts';

/*
 * The S3 storages of databases that do not write to our bucket, in words.
 */

/** `s3://<bucket>/<path> at <endpoint>`, with the region when one is known. */
const locationText = ({ endpoint, bucket, region, path }: StorageLocation): string =>
  `s3://${bucket}${path === undefined ? '' : `/${path}`} at ${endpoint}` +
  (region === undefined ? '' : ` (region ${region})`);

/**
 * Where the backup of a database with an S3 storage of its own lies, or `location unknown`;
 * undefined when it lies in our bucket.
 */
export const ownLocation = ({ path, location }: DatabaseBackup): string | undefined => {
  if (path !== undefined) return undefined;
  return location === undefined ? 'location unknown' : locationText(location);
};

/** The same for all databases of a set that have such a storage, by component. */
export const ownLocations = ({ databases }: BackupManifest): Readonly<Record<string, string>> =>
  Object.fromEntries(
    databases.flatMap((database) => {
      const place = ownLocation(database);
      return place === undefined ? [] : [[database.component, place]];
    }),
  );
