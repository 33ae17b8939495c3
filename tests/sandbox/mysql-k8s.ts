import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Model } from './model.ts';
import { actionsOf } from './mysql/actions.ts';
import { claimPath } from './mysql/claim.ts';
import { type Cluster, primaryOf } from './mysql/cluster.ts';
import { createDataFile } from './mysql/data-file.ts';
import type { Database } from './mysql/database.ts';
import { joinCluster, leaveCluster, newCluster } from './mysql/members.ts';
import type { MysqlProfile } from './mysql/profiles.ts';
import { readSaved, save } from './saved-state.ts';

export interface MysqlApplication extends Database {
  /**
   * What the databag behind `s3-parameters` says now, secrets filled in; undefined without a
   * relation.
   */
  s3Changed(parameters: Readonly<Record<string, string>> | undefined): Promise<void>;
}

/**
 * Adds an application that behaves as the charm mysql-k8s does: an InnoDB cluster whose members
 * come and go with the units, and the charm's actions. Its data and what it knows live in
 * `directory` and are found again there.
 *
 *   const profile = mysqlProfiles['8.0-344'];
 *   const kfpDb = addMysql(model, { application: 'kfp-db', database: 'mlpipeline', profile, … });
 *   await kfpDb.s3Changed(databag);     // claims the path that it names
 *   kfpDb.faults.uploadFails = true;    // from now on
 *   rowsOf(kfpDb.dataFile);     // from mysql/data-file.ts: what a restore has to bring back
 */
export const addMysql = (
  model: Model,
  options: {
    readonly application: string;
    /** The schema that it holds rows of. */
    readonly database: 'mlpipeline' | 'katib';
    readonly directory: string;
    readonly profile: MysqlProfile;
    readonly units: number;
    /** Milliseconds that a slow step takes. */
    readonly pace: number;
  },
): MysqlApplication => {
  const { application, profile, directory, pace, units } = options;
  mkdirSync(directory, { recursive: true });
  const dataFile = join(directory, 'data.sqlite');
  const clusterFile = join(directory, 'cluster.json');
  if (!existsSync(dataFile)) createDataFile(dataFile, options.database, application);
  // What a killed process left hidden stays hidden, as in life.
  const cluster =
    readSaved<Cluster>(clusterFile, ['groupId', 'members', 'blocked']) ??
    newCluster(application, units);

  let s3: Readonly<Record<string, string>> | undefined;
  const database: MysqlApplication = {
    application,
    model: model.state.name,
    profile,
    cluster,
    dataFile,
    pace,
    faults: {},
    plannedUnits: () => model.application(application).scale,
    s3: () => s3,
    setUnitStatus: (unit, status, message) => {
      model.setWorkload(unit, status, message);
    },
    refresh: () => {
      showStatus(model, database);
      save(clusterFile, cluster);
    },
    s3Changed: async (parameters) => {
      if (isDeepStrictEqual(parameters, s3)) return;
      s3 = parameters && { ...parameters };
      await claimPath(database);
    },
  };
  model.addApplication({
    name: application,
    charm: 'mysql-k8s',
    revision: profile.revision,
    channel: profile.channel,
    workloadVersion: profile.version,
    units,
    actions: actionsOf(database),
    onUnitAdded: (unit, signal) => joinCluster(database, unit, signal),
    onUnitRemoved: async (unit) => {
      leaveCluster(database, unit);
    },
  });
  database.refresh();
  return database;
};

/** What update-status says. From revision 399 on a member's state is shown as MySQL writes it. */
const showStatus = (model: Model, { application, cluster, profile }: Database): void => {
  const units = new Set(model.application(application).units.map(({ name }) => name));
  for (const { unit, role, state } of cluster.members) {
    if (!units.has(unit)) continue;
    if (state !== 'ONLINE')
      model.setWorkload(unit, 'maintenance', profile.revision < 399 ? state.toLowerCase() : state);
    else model.setWorkload(unit, 'active', role === 'PRIMARY' ? 'Primary' : '');
  }
  if (cluster.blocked !== '') model.setApplicationStatus(application, 'blocked', cluster.blocked);
  else if (primaryOf(cluster) !== undefined) model.setApplicationStatus(application, 'active');
  else model.setApplicationStatus(application, 'maintenance', 'Cluster has no primary.');
};
