import assert from 'node:assert/strict';
import type { Config } from '../../../src/config/config.ts';
import { parseVolumePatterns } from '../../../src/config/volumes.ts';
import { systemClock } from '../../../src/adapters/clock.ts';
import { layoutOf } from '../../../src/repository/layout.ts';
import { sessionIdAt } from '../../../src/volumes/records/names.ts';
import { unprotectedVolumes } from '../../../src/volumes/records/unprotected.ts';
import type { Cluster, ClusterKind, ClusterObject, Fields } from '../../../src/world.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { aConfig } from '../../rigs/config.ts';
import { targetIn } from '../../rigs/target.ts';

const paused = { 'ckf-backup/paused': 'true' };

const object = (
  namespace: string,
  name: string,
  fields: Fields,
  changes: Partial<ClusterObject> = {},
): ClusterObject => ({
  ...{ namespace, name, uid: `${namespace}-${name}`, labels: {}, annotations: {}, owners: [] },
  ...{ deleting: false, fields },
  ...changes,
});

const profile = (name: string, annotations = {}): ClusterObject =>
  object(
    '',
    name,
    {},
    { annotations, labels: { 'app.kubernetes.io/part-of': 'kubeflow-profile' } },
  );

const claim = (
  namespace: string,
  name: string,
  spec: Fields = {},
  changes: Partial<ClusterObject> = {},
): ClusterObject => object(namespace, name, { spec, status: { phase: 'Bound' } }, changes);

const withKey = (text = '*/*', inUse: Config['volumes']['inUse'] = 'live'): Config => {
  const config = aConfig();
  const patterns = parseVolumePatterns(text) ?? assert.fail();
  return {
    ...config,
    volumes: { ...config.volumes, key: 'secret:d3n8r2e5kg0c73fhvb10', patterns, inUse },
  };
};

describe('volumes that no backup holds', () => {
  let objects: Partial<Record<ClusterKind, ClusterObject[]>>;
  let store: FakeObjectStore;
  let config: Config;
  beforeEach(() => {
    store = new FakeObjectStore({ description: 'bucket backups at http://s3.test' });
    config = withKey();
    objects = {
      namespaces: [profile('alice'), profile('bob'), object('', 'kube-system', {})],
      persistentvolumeclaims: [claim('alice', 'home'), claim('kube-system', 'registry')],
    };
  });

  const look = async () => {
    const openCluster = async (): Promise<Cluster> => {
      const cluster: Partial<Cluster> = {
        namespace: 'kubeflow',
        list: async (kind, { namespace } = {}) =>
          (objects[kind] ?? []).filter(
            (one) => namespace === undefined || one.namespace === namespace,
          ),
        [Symbol.asyncDispose]: async () => undefined,
      };
      return cluster as Cluster;
    };
    const world = {
      ...{ application: 'ckf-backup', openCluster, clock: systemClock },
      openTarget: async () => targetIn(store),
    };
    return (await unprotectedVolumes.find(world, config)).map(({ count, what, command }) => ({
      ...{ count, what, command },
    }));
  };

  const backedUp = (...names: readonly string[]): void => {
    const id = sessionIdAt(new Date('2026-11-25T02:00:00Z'));
    const session = {
      ...{ format: 1, id, kind: 'backup', phase: 'Succeeded', started: '2026-11-25T02:00:00Z' },
      volumes: names.map((name) => {
        const [namespace = '', claimName = ''] = name.split('/');
        return {
          ...{ namespace, claim: claimName, phase: 'Succeeded' },
          ...{ snapshot: 'ab12', repository: 'repos/alice/1' },
        };
      }),
    };
    store.seed(layoutOf(targetIn(store).prefix).volumeSession(id), JSON.stringify(session));
  };

  it('are all of them while there is no key, with the commands that make one', async () => {
    config = aConfig();
    const [found, ...others] = await look();
    assert.deepEqual(others, []);
    assert.equal(found?.count, 1);
    assert.equal(found.what, '1 volume of users (option volumes-key is not set): alice/home');
    assert.match(
      found.command,
      /^openssl rand .*; juju config ckf-backup volumes-key=.*; juju run ckf-backup\/leader backup-volumes$/,
    );
  });

  it('are those without a backup, until the next one', async () => {
    assert.deepEqual(await look(), [
      {
        count: 1,
        what: '1 volume of users (no backup yet): alice/home',
        command: 'juju run ckf-backup/leader backup-volumes',
      },
    ]);
    backedUp('alice/home');
    assert.deepEqual(await look(), []);
  });

  it('are none where nothing is kept', async () => {
    objects.persistentvolumeclaims = [
      claim('alice', 'scratch', {}, { owners: ['Workflow'] }),
      claim('alice', 'going', {}, { deleting: true }),
      object('alice', 'unbound', { status: { phase: 'Pending' } }),
    ];
    assert.deepEqual(await look(), []);
  });

  it('come with what adds each, by what stands in the way', async () => {
    config = withKey('alice/*');
    objects.namespaces = [profile('alice'), profile('bob'), profile('carol', paused)];
    objects.persistentvolumeclaims = [
      claim('alice', 'quiet', {}, { annotations: paused }),
      claim('alice', 'raw', { volumeMode: 'Block' }),
      claim('alice', 'busy', { accessModes: ['ReadWriteOncePod'] }),
      claim('bob', 'data'),
      claim('carol', 'data'),
    ];
    objects.pods = [
      object('alice', 'lab-0', {
        spec: { nodeName: 'n1', volumes: [{ persistentVolumeClaim: { claimName: 'busy' } }] },
        status: { phase: 'Running' },
      }),
    ];
    assert.deepEqual(
      (await look()).map(({ what, command }) => [what, command]),
      [
        [
          '2 volumes of users (left out by the option volumes): bob/data, carol/data',
          'juju config ckf-backup volumes=alice/*,bob/data,carol/data',
        ],
        [
          '1 volume of users (paused): alice/quiet',
          'kubectl annotate persistentvolumeclaim --namespace alice quiet ckf-backup/paused-',
        ],
        [
          '1 volume of users (in use, ReadWriteOncePod): alice/busy',
          'juju run ckf-backup/leader backup-volumes   # once the pods that use them have stopped',
        ],
        [
          '1 volume of users (block devices): alice/raw',
          'kubectl get volumesnapshotclasses   # only a snapshot of its storage saves one',
        ],
      ],
    );
    for (const [inUse, text] of [
      ['skip', 'a pod uses it (volumes-in-use=skip)'],
      ['idle', 'somebody works in its notebook, or nobody knows (volumes-in-use=idle)'],
      [
        'stop',
        'a pod uses it that is no notebook and could not be started again (volumes-in-use=stop)',
      ],
    ] as const) {
      config = withKey('alice/busy', inUse);
      const found = (await look()).find(({ what }) => what.endsWith(': alice/busy'));
      assert.equal(found?.what, `1 volume of users (${text}): alice/busy`);
      assert.equal(found.command, 'juju run ckf-backup/leader backup-volumes in-use=live');
    }
    config = withKey();
    objects.persistentvolumeclaims = [claim('carol', 'data'), claim('carol', 'more')];
    assert.deepEqual(
      (await look()).map(({ command }) => command),
      ['kubectl annotate namespace carol ckf-backup/paused-'],
    );
  });
});
