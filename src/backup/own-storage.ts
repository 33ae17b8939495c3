import { type StorageLocation, locationOf } from '../config/database-locations.ts';
import { CharmError, orProblem } from '../errors.ts';
import type { ApplicationStatus, JujuModel } from '../world.ts';

/** The endpoint of mysql-k8s that asks for an S3 storage. */
const endpoint = 's3-parameters';

/**
 * Where a database backs up to that is not related to us, as the options of its s3-integrator say.
 * We are no part of that relation, so its databag is closed to us, and the controller shows it only
 * together with the keys. Undefined when the provider is not in this model, has other options, or
 * has no bucket of its own.
 */
export const ownStorage = async (
  juju: JujuModel,
  { related }: ApplicationStatus,
): Promise<StorageLocation | undefined> => {
  const [provider] = related[endpoint] ?? [];
  if (provider === undefined) return undefined;
  const option = async (name: string): Promise<string | undefined> => {
    const value = await juju.option(provider, name);
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
  };
  const found = await orProblem(async () =>
    locationOf({
      bucket: await option('bucket'),
      endpoint: await option('endpoint'),
      region: await option('region'),
      path: await option('path'),
    }),
  );
  return found instanceof CharmError ? undefined : found;
};

/** For a database whose storage nobody can tell: a restore from S3 alone would not find it. */
export const unknownLocation = (component: string, name: string, ours: string): string =>
  `${component}: location unknown. ${name} backs up to an S3 storage of its own, and a set would not say where that is. juju config ${ours} database-locations=${component}=https://<server>/<bucket>/<path>`;
