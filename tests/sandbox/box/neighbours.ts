import { isDeepStrictEqual } from 'node:util';
import type { RelationState, UnitAgentState } from '../../servers/unit-agent/state.ts';
import { minioAnswer, type MinioAddress } from '../charms/minio.ts';
import { mysqlParameters, mysqlRequest } from '../charms/mysql-requirer.ts';
import { s3IntegratorDatabag, type S3IntegratorConfig } from '../charms/s3-integrator.ts';
import type { Model } from '../model.ts';
import type { MysqlApplication } from '../mysql-k8s.ts';

/**
 * The charms at the other ends of our relations, each with what decides its answers. Alive: change
 * it, then `settle` the box.
 */
export interface Neighbours {
  s3Integrator: S3IntegratorConfig;
  minio: MinioAddress;
  readonly databases: Readonly<Record<string, MysqlApplication>>;
}

/**
 * Lets the other end of a relation react to what we wrote, as its leader's hooks would. True when
 * that changed its databag, so that Juju has news for us.
 */
export const react = async (
  neighbours: Neighbours,
  model: Model,
  ours: UnitAgentState,
  relation: RelationState,
): Promise<boolean> => {
  const before = structuredClone([relation.remoteApplicationData, ours.secrets]);
  relation.remoteApplicationData = await answer(neighbours, model, ours, relation);
  return !isDeepStrictEqual(before, [relation.remoteApplicationData, ours.secrets]);
};

const answer = async (
  neighbours: Neighbours,
  model: Model,
  ours: UnitAgentState,
  relation: RelationState,
): Promise<Record<string, string>> => {
  const { endpoint, remoteApplication, localApplicationData: databag } = relation;
  if (endpoint === 's3-credentials')
    return s3IntegratorDatabag(neighbours.s3Integrator, ours, relation);
  if (endpoint === 'object-storage') {
    const requirer = { application: ours.application, databag };
    const { databag: data, status } = minioAnswer(neighbours.minio, requirer);
    model.setApplicationStatus(remoteApplication, status.status, status.message);
    return data;
  }
  const database = neighbours.databases[endpoint];
  if (database === undefined) return {};
  await database.s3Changed(mysqlParameters(database.profile, ours, endpoint));
  return mysqlRequest(database.profile, relation);
};
