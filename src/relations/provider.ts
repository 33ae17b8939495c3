import { CharmError, hasCode } from '../errors.ts';
import type { Databag, HookTools } from '../world.ts';
import { type S3Location, readS3Location } from './s3-location.ts';

/*
 * This folder reads and writes the databags of the relations: s3, object-storage and the databases'
 * s3.
 */

/** The application at the other end of an endpoint that takes one relation. */
export interface Provider {
  readonly relationId: string;
  readonly application: string;
  readonly data: Databag;
}

/**
 * Undefined while there is no relation, or Juju does not know the application at its other end yet.
 */
export const findProvider = async (
  tools: HookTools,
  endpoint: string,
): Promise<Provider | undefined> => {
  const [relationId] = await tools.relationIds(endpoint);
  if (relationId === undefined) return undefined;
  const application = await tools.remoteApplication(relationId);
  if (application === undefined) return undefined;
  return { relationId, application, data: await tools.applicationData(relationId, application) };
};

/**
 * Where backups go, from the databag of the s3-credentials relation and the secret that it may
 * name.
 */
export const locateS3 = async (
  tools: HookTools,
  { application, data }: Provider,
  bucket: string | undefined,
): Promise<S3Location> => {
  const uri = data['secret-extra']?.trim();
  const secret = uri ? await grantedSecret(tools, application, uri) : undefined;
  return readS3Location(application, data, secret, bucket);
};

/** Juju may show the secret's name before it lets us read it. */
const grantedSecret = async (
  tools: HookTools,
  application: string,
  uri: string,
): Promise<Databag> => {
  try {
    return await tools.secret(uri);
  } catch (cause) {
    if (!hasCode(cause, 'juju-credentials-not-granted', 'juju-credentials-missing')) throw cause;
    throw new CharmError(
      'relation-incomplete',
      `${application} has named a secret with its credentials that cannot be read yet. That passes by itself; if it does not, remove the relation and add it again.`,
      {
        cause,
        brief: {
          what: `Waiting for the secret of ${application}`,
          run: `juju status ${application}`,
        },
      },
    );
  }
};

export const missingS3 = (application: string): CharmError =>
  new CharmError(
    'relation-missing',
    `There is no S3 storage to write to. Run: juju integrate ${application}:s3-credentials s3-integrator`,
    {
      brief: {
        what: 'No S3 storage',
        run: `juju integrate ${application}:s3-credentials s3-integrator`,
      },
    },
  );

export const missingObjectStorage = (application: string): CharmError =>
  new CharmError(
    'relation-missing',
    `There is no MinIO to read from. Run: juju integrate ${application}:object-storage minio`,
    { brief: { what: 'No MinIO', run: `juju integrate ${application}:object-storage minio` } },
  );
