import type { VolumesConfig } from '../config/volumes.ts';
import type { RepositoryFacts, VolumeFacts } from '../metrics/facts.ts';
import { type Layout, layoutOf } from '../repository/layout.ts';
import type { ObjectStore, World } from '../world.ts';
import { type PlannedVolume, planVolumes } from './claims/plan.ts';
import type { SkipReason } from './claims/policy.ts';
import { type RepositoryRecord, allRepositories } from './repositories/repositories.ts';
import { foundDamaged, newestCheck, readState } from './records/repository-state.ts';
import { noFiles, sessions } from './records/session-record.ts';
import { inTurns } from '../in-turns.ts';

/** Nobody can back these up, or somebody said that nobody shall. */
const notMeant: readonly (SkipReason | undefined)[] = [
  ...['excluded', 'paused', 'temporary'],
  ...['not-bound', 'block-mode', 'deleting'],
] as SkipReason[];

/** Repositories that are asked for at a time. */
const concurrency = 8;

/**
 * What metrics tell of volumes: how old backups are, and when repositories were looked at. Asks the
 * cluster which volumes there are, and S3 for the rest.
 */
export const readVolumeFacts = async (
  world: Pick<World, 'clock' | 'openCluster' | 'openTarget'>,
  { patterns }: Pick<VolumesConfig, 'patterns'>,
): Promise<VolumeFacts> => {
  await using cluster = await world.openCluster();
  const target = await world.openTarget();
  await using _store = target.store;
  const layout = layoutOf(target.prefix);
  // One that is always in use, and therefore skipped, has old backups all the same.
  const use = { mode: 'live', now: world.clock.now() } as const;
  const meant = (await planVolumes(cluster, patterns, use)).filter(
    ({ skip }) => !notMeant.includes(skip),
  );
  const records = await allRepositories(target.store, layout);
  const repositories = await inTurns(
    concurrency,
    records,
    async (record) => [record.name, await repositoryFacts(target.store, layout, record)] as const,
  );
  return {
    namespaces: oldestOf(meant, await lastGood(target.store, layout, meant)),
    repositories: Object.fromEntries(repositories),
  };
};

const repositoryFacts = async (
  store: ObjectStore,
  layout: Layout,
  { name, created }: RepositoryRecord,
): Promise<RepositoryFacts> => {
  const state = await readState(store, layout, name);
  const checked = newestCheck(state.checks)?.at;
  if (checked === undefined) return { created };
  return { created, checked, intact: foundDamaged(state) === undefined };
};

/**
 * By volume. A volume that was found without files is as good as backed up. Sessions are read,
 * newest first, until each volume was found.
 */
const lastGood = async (
  store: ObjectStore,
  layout: Layout,
  meant: readonly PlannedVolume[],
): Promise<ReadonlyMap<string, string>> => {
  const missing = new Set(meant.map(({ claim }) => `${claim.namespace}/${claim.name}`));
  const found = new Map<string, string>();
  if (missing.size === 0) return found;
  for await (const { kind, started, volumes } of sessions(store, layout)) {
    if (kind !== 'backup') continue;
    for (const { namespace, claim, phase, reason } of volumes) {
      const name = `${namespace}/${claim}`;
      if (phase !== 'Succeeded' && reason !== noFiles) continue;
      if (missing.delete(name)) found.set(name, started);
    }
    if (missing.size === 0) break;
  }
  return found;
};

const oldestOf = (
  meant: readonly PlannedVolume[],
  last: ReadonlyMap<string, string>,
): VolumeFacts['namespaces'] => {
  const oldest = new Map<string, string>();
  for (const { claim } of meant) {
    const { namespace, name, created } = claim;
    const at = last.get(`${namespace}/${name}`) ?? created;
    if (at === undefined) continue;
    const known = oldest.get(namespace);
    if (known === undefined || Date.parse(at) < Date.parse(known)) oldest.set(namespace, at);
  }
  return Object.fromEntries(oldest);
};
