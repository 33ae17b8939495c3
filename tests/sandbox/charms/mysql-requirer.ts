import { type RelationState, type UnitAgentState } from '../../servers/unit-agent/state.ts';
import { readSecret } from '../../servers/unit-agent/secret-tools.ts';
import type { MysqlProfile } from '../mysql/profiles.ts';

/**
 * What mysql-k8s writes for its provider of `s3`: the old library asks for a dummy bucket, the new
 * one for a secret.
 */
export const mysqlRequest = (
  profile: MysqlProfile,
  relation: RelationState,
): Record<string, string> =>
  profile.s3Interface === 'v0'
    ? { bucket: `relation-${relation.id}` }
    : { 'requested-secrets': '["access-key", "secret-key"]', version: '1' };

/**
 * The S3 parameters that the database at one of our endpoints reads: the databag, and with the new
 * library the secret that it names. Undefined without a relation. Throws, as the charm's hook would
 * fail, when the secret was not granted.
 */
export const mysqlParameters = (
  profile: MysqlProfile,
  ours: UnitAgentState,
  endpoint: string,
): Readonly<Record<string, string>> | undefined => {
  const relation = ours.relations.find((candidate) => candidate.endpoint === endpoint);
  if (relation === undefined) return undefined;
  const databag = relation.localApplicationData;
  const uri = databag['secret-extra'];
  if (profile.s3Interface === 'v0' || uri === undefined) return databag;
  const id = uri.replace(/^secret:(\/\/[^/]+\/)?/, '');
  const secret = ours.secrets.find((candidate) => candidate.id === id);
  if (secret === undefined) return databag;
  const { remoteApplication } = relation;
  return {
    ...databag,
    ...readSecret(ours, remoteApplication, secret, { peek: false, refresh: true }),
  };
};
