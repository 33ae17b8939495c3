import type { RelationState, UnitAgentState } from '../servers/unit-agent/state.ts';
import type { HookEvent } from './hook-events.ts';
import { databags, secretKey } from './world-of-relations.ts';

/** What a hook may have changed, in a form that two runs can be compared in. */
export interface VisibleState {
  /** Our side of each relation, by endpoint; `secret:ours` is the secret of ours. */
  readonly databags: Readonly<Record<string, unknown>>;
  /** Nobody but an application may write. */
  readonly unitDatabags: Readonly<Record<string, unknown>>;
  readonly secrets: readonly unknown[];
  readonly unit: string;
  readonly application: string;
  readonly version: string;
}

/**
 * A message stands for its code, and for how many more problems there are: `blocked
 * relation-missing +1`.
 */
const shortly = ({ status, message }: UnitAgentState['unitStatus']): string => {
  const [, code, more = '0'] = / \[([a-z0-9-]+)\](?: \(and (\d+) more\))?: /.exec(message) ?? [];
  return code === undefined ? `${status} ${message}` : `${status} ${code} +${more}`;
};

export const visibleState = (state: UnitAgentState): VisibleState => {
  const ours = state.secrets.filter(({ owner }) => owner === state.application);
  const named = (text: string): string =>
    ours.reduce((so, { id }) => so.replace(`secret:${id}`, 'secret:ours'), text);
  return {
    databags: byEndpoint(state, ({ localApplicationData }) =>
      Object.fromEntries(
        Object.entries(localApplicationData).map(([key, value]) => [key, named(value)]),
      ),
    ),
    unitDatabags: byEndpoint(state, ({ localUnitData }) => localUnitData),
    secrets: ours.map(({ label, revisions, grants }) => ({ label, revisions, grants })),
    unit: shortly(state.unitStatus),
    application: shortly(state.applicationStatus),
    version: state.workloadVersion,
  };
};

const byEndpoint = (
  { relations }: UnitAgentState,
  read: (relation: RelationState) => unknown,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(relations.map((relation) => [relation.endpoint, read(relation)]));

const request = {
  'requested-secrets': '["access-key","secret-key"]',
  version: '1',
  'lib-version': '1.0',
};
const keys = { 'access-key': 'AKIATRACK2', 'secret-key': secretKey };
const { bucket, endpoint } = databags.track2;

/**
 * What is promised of a hook, for a unit that nothing was written of yet: s3-integrator is track 2,
 * kfp-db takes keys from the databag, and katib-db from a secret; or nobody has written anything.
 */
export const expectedState = (before: UnitAgentState, event: HookEvent): VisibleState => {
  const { leader } = before;
  const databag = (name: string): Readonly<Record<string, string>> | undefined => {
    const relation = before.relations.find((candidate) => candidate.endpoint === name);
    const isGone = relation?.id === event.relation && event.hook.endsWith('-broken');
    return isGone ? undefined : relation?.remoteApplicationData;
  };
  const [s3, minio] = [databag('s3-credentials'), databag('object-storage')];
  const isReady = s3?.['secret-extra'] !== undefined;
  const isSilent = s3 !== undefined && !isReady;
  const asksForSecret = databag('katib-db')?.['requested-secrets'] !== undefined;
  const gives = (name: string): boolean => isReady && Object.keys(databag(name) ?? {}).length > 0;
  const written = {
    's3-credentials': s3 && {
      ...request,
      ...(isSilent && event.hook === 'update-status' ? { bucket: 'relation-4' } : {}),
    },
    'object-storage': minio && { _supported_versions: '- v1\n' },
    'kfp-db': gives('kfp-db') && { bucket, endpoint, path: 'kubeflow/kfp-db', ...keys },
    'katib-db': gives('katib-db') && {
      ...{ bucket, endpoint, path: 'kubeflow/katib-db', version: '1', 'lib-version': '1.0' },
      'secret-extra': 'secret:ours',
    },
  };
  const problems = [
    ...(leader && before.config['juju-credentials'] === undefined
      ? ['juju-credentials-missing']
      : []),
    ...[s3, minio].flatMap((data) => {
      if (data === undefined) return ['relation-missing'];
      return Object.keys(data).length === 0 ? ['relation-incomplete'] : [];
    }),
  ];
  const isGoing = event.hook === 'stop' || event.hook === 'remove';
  const now = visibleState(before);
  const status = isGoing ? now.unit : statusOf(problems);
  const isNew = ['install', 'upgrade-charm', 'start'].includes(event.hook);
  return {
    databags: Object.fromEntries(
      Object.entries(written).map(([name, data]) => [name, leader && data ? data : {}]),
    ),
    unitDatabags: now.unitDatabags,
    secrets:
      leader && gives('katib-db') && asksForSecret
        ? [{ label: 's3.katib-db:8', revisions: [keys], grants: ['mysql-for-katib'] }]
        : [],
    unit: status,
    application: leader && !isGoing ? status : now.application,
    version: leader && isNew ? '0.1.0' : '',
  };
};

const statusOf = (problems: readonly string[]): string => {
  const acute = problems.find((code) => code !== 'relation-incomplete');
  const first = acute ?? problems[0];
  if (first === undefined) return 'active Ready; no backup is known yet';
  return `${acute === undefined ? 'waiting' : 'blocked'} ${first} +${problems.length - 1}`;
};
