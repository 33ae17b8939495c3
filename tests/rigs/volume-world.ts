import type { Config } from '../../src/config/config.ts';
import { layoutOf } from '../../src/repository/layout.ts';
import { backUpVolumes } from '../../src/volumes/back-up-volumes.ts';
import { type SessionRecord, sessions } from '../../src/volumes/records/session-record.ts';
import type { VolumeAccess, World } from '../../src/world.ts';
import { FakeCluster } from '../fakes/cluster.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { FakeRestic } from '../fakes/restic.ts';
import { newNotebook, reconcileNotebook } from '../servers/kubernetes/notebooks.ts';
import { aConfig } from './config.ts';
import { aScaleWorld, type ScaleWorldRig } from './scale-world.ts';
import { targetIn } from './target.ts';

export const volumesKey = 'the key of the test, which nobody else has: 5f2c91';

/** What an object has that came through a pod of ours. */
export const throughGateway = { user: { 'ckf-backup-session': '20261121t030000z' } };

export interface VolumeWorldRig extends ScaleWorldRig {
  readonly cluster: FakeCluster;
  readonly store: FakeObjectStore;
  readonly restic: FakeRestic;
  /** Each way in that was opened, such as `target` and `volumes retention`. */
  readonly opened: string[];
  /** The secret behind the option volumes-key. */
  key: string;
  addProfile(name: string, owner?: string): void;
  /** A claim that is bound, with these files. */
  addVolume(volume: string, files?: Readonly<Record<string, string>>, spec?: object): void;
  addNotebook(namespace: string, name: string, claim: string): void;
  addPod(namespace: string, name: string, claim: string): void;
  /** Newest first, as S3 has them. */
  records(): Promise<readonly SessionRecord[]>;
  /** The keys of a repository below a folder of it. */
  keysOf(repository: string, folder: string): readonly string[];
  later(seconds: number): Promise<void>;
}

/** Users with volumes, and all that backs these up, in memory. */
export const aVolumeWorld = (): VolumeWorldRig => {
  const rig = aScaleWorld();
  const now = (): Date => rig.clock.now();
  const store = new FakeObjectStore({ description: 'bucket backups at http://s3.test', now });
  const cluster = new FakeCluster();
  const restic = new FakeRestic(cluster, store, now);
  const opened: string[] = [];
  const target = targetIn(store);
  const layout = layoutOf(target.prefix);
  const { resticImage, rcloneImage } = aConfig().volumes;
  const versions = { [resticImage]: '0.19.1', [rcloneImage]: '1.75.2' };
  store.seed(layout.volumeImages, JSON.stringify({ format: 1, versions }));
  const openVolumes = async (purpose?: 'retention'): Promise<VolumeAccess> => {
    opened.push(['volumes', purpose].filter(Boolean).join(' '));
    return {
      ...{ cluster, key: whole.key },
      storage: {
        ...{ endpoint: 'http://s3.test', region: undefined, style: 'path', ca: '' },
        ...{ bucket: target.bucket, prefix: target.prefix },
        ...{ accessKey: purpose ?? 'AK', secretKey: 'SK' },
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
  };
  const world: World = {
    ...rig.whole,
    openVolumes,
    openCluster: async () => cluster,
    openTarget: async (purpose) => {
      opened.push(['target', purpose].filter(Boolean).join(' '));
      return target;
    },
  };
  const create = (kind: 'namespaces' | 'persistentvolumeclaims' | 'pods', object: object) => {
    const { namespace = '' } = (object as { metadata: { namespace?: string } }).metadata;
    return cluster.store.create(kind, namespace, { apiVersion: 'v1', ...object });
  };
  const whole: VolumeWorldRig = {
    ...rig,
    ...{ whole: world, cluster, store, restic, opened, key: volumesKey },
    addProfile: (name, owner = `${name}@example.com`) => {
      create('namespaces', {
        kind: 'Namespace',
        metadata: {
          ...{ name, annotations: { owner } },
          labels: { 'app.kubernetes.io/part-of': 'kubeflow-profile' },
        },
      });
    },
    addVolume: (volume, files = {}, spec = {}) => {
      const [namespace = '', name = ''] = volume.split('/');
      create('persistentvolumeclaims', {
        kind: 'PersistentVolumeClaim',
        metadata: { namespace, name, creationTimestamp: now().toISOString() },
        spec: {
          ...{ accessModes: ['ReadWriteOnce'], storageClassName: 'csi' },
          ...{ resources: { requests: { storage: '5Gi' } }, ...spec },
        },
        status: { phase: 'Bound' },
      });
      for (const [path, text] of Object.entries(files)) restic.filesOf(volume).set(path, text);
    },
    addNotebook: (namespace, name, claim) => {
      const notebook = newNotebook({ namespace, name, claim, annotations: {} });
      reconcileNotebook(cluster.store, cluster.store.create('notebooks', namespace, notebook));
    },
    addPod: (namespace, name, claim) => {
      create('pods', {
        kind: 'Pod',
        metadata: { namespace, name },
        spec: {
          ...{ nodeName: 'node-1', containers: [{ name, image: 'jupyter' }] },
          volumes: [{ name: 'home', persistentVolumeClaim: { claimName: claim } }],
        },
      });
      cluster.store.patch('pods', namespace, name, { status: { phase: 'Running' } });
    },
    records: () => Array.fromAsync(sessions(store, layout)),
    keysOf: (repository, folder) =>
      store.bucket.after(`${layout.repository(repository)}${folder}/`, '').map(({ key }) => key),
    later: (seconds) => rig.clock.sleep(seconds * 1000),
  };
  return whole;
};

/** A world with a volume of alice's and one of bob's. */
export const aWorldOfTwoUsers = (): VolumeWorldRig => {
  const rig = aVolumeWorld();
  for (const user of ['alice', 'bob']) rig.addProfile(user);
  rig.addVolume('alice/home', { 'thesis.md': 'words' });
  rig.addVolume('bob/data', { rows: 'many rows' });
  return rig;
};

/** With the key, so that volumes are backed up. */
export const volumesConfig = (changes: Partial<Config['volumes']> = {}): Config => {
  const config = aConfig();
  const key = 'secret:d3n8r2e5kg0c73fhvb10';
  return { ...config, volumes: { ...config.volumes, key, ...changes } };
};

/**
 * Bob's volume with two backups, an hour apart, of one file with these contents; and the ids of
 * their sessions, the older first.
 */
export const aVolumeBackedUpTwice = async (
  contents: readonly [string, string],
): Promise<{ readonly rig: VolumeWorldRig; readonly made: readonly string[] }> => {
  const rig = aVolumeWorld();
  rig.addProfile('bob');
  rig.addVolume('bob/data');
  const made: string[] = [];
  for (const text of contents) {
    rig.restic.filesOf('bob/data').set('rows', text);
    made.push((await backUpVolumes(rig.whole, volumesConfig().volumes, { kind: 'all' })).id);
    await rig.later(3600);
  }
  rig.opened.length = 0;
  return { rig, made };
};
