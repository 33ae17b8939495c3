import type { AgentEvent } from '../servers/unit-agent/environment.ts';
import { s3Secret } from './world-of-relations.ts';

export type HookEvent = Extract<AgentEvent, { hook: string }>;

/** The relations of world-of-relations.ts. */
const ends = {
  's3-credentials': [4, 's3-integrator'],
  'object-storage': [5, 'minio'],
  'kfp-db': [7, 'kfp-db'],
  'katib-db': [8, 'mysql-for-katib'],
} as const;

const plain = [
  ...['install', 'leader-elected', 'leader-settings-changed', 'config-changed', 'start'],
  ...['upgrade-charm', 'update-status', 'pre-series-upgrade', 'a-hook-of-the-future'],
  ...['stop', 'remove'],
];
const ofSecrets = ['secret-changed', 'secret-remove', 'secret-expired', 'secret-rotate'];
const ofStorage = ['journal-storage-attached', 'journal-storage-detaching'];

export const relationEvents: readonly HookEvent[] = Object.entries(ends).flatMap(
  ([endpoint, [relation, application]]) => [
    { hook: `${endpoint}-relation-created`, relation },
    ...['joined', 'changed', 'departed'].map((event) => ({
      hook: `${endpoint}-relation-${event}`,
      relation,
      remoteUnit: `${application}/0`,
      ...(event === 'departed' ? { departingUnit: `${application}/0` } : {}),
    })),
    { hook: `${endpoint}-relation-broken`, relation },
  ],
);

/** Every hook that Juju can run for this charm, with what it says about it. */
export const hookEvents: readonly HookEvent[] = [
  ...plain.map((hook) => ({ hook })),
  ...ofSecrets.map((hook) => ({ hook, secret: { id: s3Secret } })),
  ...ofStorage.map((hook) => ({ hook, storage: { id: 'journal/19', location: '/storage' } })),
  ...relationEvents,
];
