import { type Cluster, clusterStatus, type Member, primaryOf } from './cluster.ts';
import type { MysqlProfile } from './profiles.ts';

/**
 * The results of get-cluster-status. 8.0 sets a map, every key and value in lower case; 8.4 sets
 * JSON text whose case MySQL Shell chose.
 */
export const clusterStatusResults = (
  cluster: Cluster,
  { profile, model }: { readonly profile: MysqlProfile; readonly model: string },
): Record<string, unknown> => {
  const status = describe(cluster, profile, model);
  return {
    success: 'True',
    status: profile.statusFormat === 'json-text' ? JSON.stringify(status) : lowerCased(status),
  };
};

const describe = (cluster: Cluster, profile: MysqlProfile, model: string) => {
  const primary = primaryOf(cluster);
  const { code, text } = clusterStatus(cluster);
  return {
    clusterName: `cluster-${cluster.groupId.slice(0, 8)}`,
    defaultReplicaSet: {
      name: 'default',
      primary: primary === undefined ? '' : address(primary.unit, model),
      ssl: 'REQUIRED',
      status: code,
      statusText: text,
      topology: Object.fromEntries(
        cluster.members.map((member) => [
          label(member.unit),
          topologyEntry(member, profile, model),
        ]),
      ),
      topologyMode: 'Single-Primary',
    },
    groupInformationSourceMember: primary === undefined ? '' : address(primary.unit, model),
  };
};

const topologyEntry = (member: Member, { version }: MysqlProfile, model: string) => ({
  address: address(member.unit, model),
  ...(member.hidden && {
    hiddenFromRouter: true,
    instanceErrors: ['WARNING: Instance has offline_mode enabled.'],
  }),
  memberRole: member.role,
  mode: member.role === 'PRIMARY' ? 'R/W' : 'R/O',
  role: 'HA',
  status: member.state,
  version,
});

const label = (unit: string): string => unit.replace('/', '-');

const address = (unit: string, model: string): string =>
  `${label(unit)}.${unit.split('/')[0] ?? ''}-endpoints.${model}.svc.cluster.local.:3306`;

/**
 * Juju stores what action-set was given, so every leaf is text; Python prints a list and a boolean
 * in its own way.
 */
const lowerCased = (value: unknown): unknown => {
  if (Array.isArray(value))
    return `[${value.map((item) => `'${String(item)}'`).join(', ')}]`.toLowerCase();
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key.toLowerCase(), lowerCased(inner)]),
    );
  return String(value).toLowerCase();
};
