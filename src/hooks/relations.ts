import { type DatabaseEndpoint, databaseEndpoints } from '../config/components.ts';
import { CharmError, orProblem } from '../errors.ts';
import type { CharmEvent } from '../event.ts';
import { offeredKeys, s3Offer, s3Request } from '../relations/s3-databags.ts';
import { generationOf, layoutOf } from '../repository/layout.ts';
import type { Databag } from '../world.ts';
import type { Assessment } from './assess.ts';
import type { Unit } from './unit.ts';

type Hook = Extract<CharmEvent, { kind: 'hook' }>;

/**
 * The list in PyYAML's form, for the serialized-data-interface of MinIO's charm. We never write
 * `data`.
 */
const supportedVersions: Databag = { _supported_versions: '- v1\n' };

/**
 * Writes what our relations should hold. Only the leader may call this.
 *
 * @param hook undefined after an action
 */
export const writeRelations = async (
  unit: Unit,
  assessment: Assessment,
  hook?: Hook,
): Promise<void> => {
  // Written even when other things are wrong: without it MinIO's charm stops serving all its users.
  await writeSupportedVersions(unit);
  if (hook !== undefined) await withdrawS3(unit, hook);
  const isFrequent = hook?.name === 'update-status';
  await requestS3(unit, assessment, isFrequent);
  await provideS3(unit, assessment);
  // The option changes by config-changed only, so that the frequent hook need not ask.
  if (!isFrequent) await writeDashboardLinks(unit, assessment);
};

const writeSupportedVersions = async ({ tools }: Unit): Promise<void> => {
  for (const relationId of await tools.relationIds('object-storage'))
    await tools.setApplicationData(relationId, supportedVersions);
};

/**
 * Asks s3-integrator for its data; see s3-databags.ts. As long as one related application has asked
 * for nothing, s3-integrator is late with its answers to all others.
 */
const requestS3 = async (
  { tools }: Unit,
  { s3, place }: Assessment,
  isLate: boolean,
): Promise<void> => {
  if (s3 === undefined) return;
  const isWrong = place instanceof CharmError;
  const bucket = isWrong ? undefined : place.bucket;
  const request = s3Request(s3.relationId, s3.data, bucket, isLate);
  // An empty text removes a bucket that is no longer asked for. While the option is wrong, it is
  // not known which bucket is meant, so nothing is removed.
  const { bucket: asked = '', ...markers } = request;
  await tools.setApplicationData(s3.relationId, {
    ...markers,
    ...(isWrong ? {} : { bucket: asked }),
  });
};

/**
 * Hands each related database our S3 storage with its own path, and withdraws it when our storage
 * has gone.
 */
const provideS3 = async (unit: Unit, assessment: Assessment): Promise<void> => {
  // At the same time, because each question to Juju is a process.
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
    // While credentials are late or cannot be used, what was handed out before stays.
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
  // A requirer that no longer asks for a secret, as after a downgrade, gets the keys in the databag
  // now.
  if (secret === undefined && written['secret-extra'])
    await tools.removeSecret(written['secret-extra']);
};

/**
 * A link in Kubeflow's dashboard (canonical/kubeflow-dashboard-operator, kubeflow_dashboard_links
 * v0.2).
 */
const writeDashboardLinks = async (
  { tools }: Unit,
  { config, optionProblems }: Assessment,
): Promise<void> => {
  if (optionProblems.has('dashboard-url')) return;
  const { dashboardUrl: link } = config;
  const entry = { text: 'Backups', link, location: 'external', icon: 'icons:backup' };
  const links = link === undefined ? [] : [{ ...entry, type: 'item', desc: '' }];
  for (const relationId of await tools.relationIds('dashboard-links'))
    await tools.setApplicationData(relationId, { dashboard_links: JSON.stringify(links) });
};

/** In the hook that ends a relation to a database, removes the secret that was made for it. */
const withdrawS3 = async (unit: Unit, hook: Hook): Promise<void> => {
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
 * The path of a database. Each restore moves it to the next generation, so the newest one that was
 * handed out is kept. When a restore was killed before Juju knew the new path, the journal has it.
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

/** Only what differs, because every write gives the other side a hook. */
const changes = (written: Databag, wanted: Databag): Databag => ({
  ...Object.fromEntries(
    offeredKeys.filter((key) => written[key] !== undefined && !wanted[key]).map((key) => [key, '']),
  ),
  ...Object.fromEntries(Object.entries(wanted).filter(([key, value]) => written[key] !== value)),
});
