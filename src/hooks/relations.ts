import { type DatabaseEndpoint, databaseEndpoints } from '../config/config.ts';
import { CharmError, orProblem } from '../errors.ts';
import type { CharmEvent } from '../event.ts';
import { offeredKeys, s3Offer, s3Request } from '../relations/s3-databags.ts';
import { generationOf, layoutOf } from '../repository/layout.ts';
import type { Databag } from '../world.ts';
import type { Assessment } from './assess.ts';
import type { Unit } from './unit.ts';

type Hook = Extract<CharmEvent, { kind: 'hook' }>;

/**
 * As PyYAML writes the list, for the serialized data interface that MinIO's charm speaks. We never
 * write `data`.
 */
const supportedVersions: Databag = { _supported_versions: '- v1\n' };

/** All of these are the leader's to call. */
export const writeSupportedVersions = async ({ tools }: Unit): Promise<void> => {
  for (const relationId of await tools.relationIds('object-storage'))
    await tools.setApplicationData(relationId, supportedVersions);
};

/**
 * Asks s3-integrator for what it has; see s3-request.ts. It serves others later while one that it
 * is related to has asked for nothing.
 */
export const requestS3 = async (
  { tools }: Unit,
  hook: Hook,
  { s3, place }: Assessment,
): Promise<void> => {
  if (s3 === undefined) return;
  const isWrong = place instanceof CharmError;
  const bucket = isWrong ? undefined : place.bucket;
  const request = s3Request(s3.relationId, s3.data, bucket, hook.name === 'update-status');
  // An empty text takes away a bucket that is no longer asked for; with an option that is wrong
  // nobody knows which one is.
  const { bucket: asked = '', ...markers } = request;
  await tools.setApplicationData(s3.relationId, {
    ...markers,
    ...(isWrong ? {} : { bucket: asked }),
  });
};

/**
 * Hands each related database our S3 under a path of its own, and takes it away when ours has gone.
 */
export const provideS3 = async (unit: Unit, assessment: Assessment): Promise<void> => {
  // Side by side, because each question to Juju is a process.
  await Promise.all(
    databaseEndpoints.map(async (endpoint) => {
      for (const relationId of await unit.tools.relationIds(endpoint))
        await provideTo(unit, assessment, endpoint, relationId);
    }),
  );
};

const provideTo = async (
  unit: Unit,
  assessment: Assessment,
  endpoint: DatabaseEndpoint,
  relationId: string,
): Promise<void> => {
  const { tools, application } = unit;
  const { location, place, s3 } = assessment;
  const written = await tools.applicationData(relationId, application);
  if (s3 === undefined || location instanceof CharmError) {
    // While credentials are only late or cannot be used, what was handed out stays.
    const gone = s3 === undefined || !(s3.data['secret-extra'] ?? s3.data['access-key']);
    if (gone) await withdraw(unit, relationId, written);
    return;
  }
  if (place instanceof CharmError) return;
  const requirer = await tools.remoteApplication(relationId);
  if (requirer === undefined) return;
  const prefix = place.path ?? location.path ?? unit.model;
  const known = await orProblem(() => unit.journal.databasePaths());
  const recorded = known instanceof CharmError ? undefined : known[endpoint];
  const path = databasePath(prefix, endpoint, [written['path'], recorded]);
  const offer = s3Offer(location, s3.data, path, await tools.applicationData(relationId, requirer));
  if (offer === undefined) return;
  const secret = offer.secret && (await tools.ownSecret(labelOf(relationId), offer.secret));
  if (secret !== undefined) await tools.grantSecret(secret, relationId);
  const wanted = { ...offer.data, ...(secret === undefined ? {} : { 'secret-extra': secret }) };
  await tools.setApplicationData(relationId, changes(written, wanted));
  // A requirer that no longer asks for a secret, as after a downgrade, has the keys in the databag
  // now.
  if (secret === undefined && written['secret-extra'])
    await tools.removeSecret(written['secret-extra']);
};

/** In the hook that ends a relation to a database, the secret that was made for it goes. */
export const withdrawS3 = async (unit: Unit, hook: Hook): Promise<void> => {
  const id = hook.relationId;
  if (id === undefined || !hook.name.endsWith('-relation-broken')) return;
  if (!databaseEndpoints.some((endpoint) => id.startsWith(`${endpoint}:`))) return;
  await withdraw(unit, id, await unit.tools.applicationData(id, unit.application));
};

const withdraw = async ({ tools }: Unit, relationId: string, written: Databag): Promise<void> => {
  await tools.setApplicationData(relationId, changes(written, {}));
  if (written['secret-extra']) await tools.removeSecret(written['secret-extra']);
};

/**
 * A restore moves a database on to a path of the next generation. The newest that was handed out is
 * kept, or that the journal knows of, when the restore was killed before Juju had heard of it.
 */
const databasePath = (
  prefix: string,
  endpoint: DatabaseEndpoint,
  known: readonly (string | undefined)[],
): string => {
  const layout = layoutOf(prefix);
  const newest = Math.max(...known.map((path) => generationOf(layout, endpoint, path) ?? 1));
  return layout.databasePath(endpoint, newest);
};

const labelOf = (relationId: string): string => `s3.${relationId}`;

/** Only what differs is written, so that nobody gets a hook for nothing. */
const changes = (written: Databag, wanted: Databag): Databag => ({
  ...Object.fromEntries(
    offeredKeys.filter((key) => written[key] !== undefined && !wanted[key]).map((key) => [key, '']),
  ),
  ...Object.fromEntries(Object.entries(wanted).filter(([key, value]) => written[key] !== value)),
});
