import { FastClock } from '../fakes/fast-clock.ts';
import { FakeJournal } from '../fakes/journal.ts';
import { FakeProgress } from '../fakes/progress.ts';
import type { ObjectStore, World } from '../../src/world.ts';

export const model = { name: 'kubeflow', uuid: 'u' };

/** The world of a program that only looks at sets and removes some, over a store of its own. */
export const programWorld = (store: ObjectStore, scratch: string): World => {
  const away = async (): Promise<never> => Promise.reject(new Error('not needed'));
  return {
    ...{ model, scratch, application: 'ckf-backup', unit: 'ckf-backup/0', host: 'node-1' },
    ...{ task: '7', signal: new AbortController().signal },
    ...{ clock: new FastClock(1), progress: new FakeProgress(), journal: new FakeJournal() },
    ...{ openJuju: away, openKubernetes: away, openVolumes: away, openCluster: away },
    openSource: away,
    startCopyThread: away,
    openTarget: async () => programTarget(store),
    openSigningKeys: async () => undefined,
    openNotifier: async () => undefined,
    openRunLog: async () => undefined,
    relatedDatabase: async () => undefined,
    handedPath: async () => undefined,
    handPath: away,
  };
};

export const programTarget = (store: ObjectStore) => ({
  ...{ store, bucket: 'backups', endpoint: 'http://s3.test', prefix: 'ckf' },
  application: 'ckf-backup',
});
