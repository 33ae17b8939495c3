import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createListingDigest } from '../../src/components/databases/stored-backup.ts';
import type { BackupManifest } from '../../src/repository/manifest.ts';
import type { World } from '../../src/world.ts';
import { FakeKubernetes } from '../fakes/kubernetes.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { aManifest } from './manifest.ts';
import { aScaleWorld, type ScaleWorldRig } from './scale-world.ts';
import { sourceIn, targetIn } from './target.ts';

export interface RestorableDatabase {
  /** What is wrong with its cluster: member states by unit, ONLINE otherwise. */
  readonly states: Map<string, string>;
  /** `restore` fails with this. */
  failure: string | undefined;
  /** Milliseconds that `restore` takes. */
  takes: number;
  /** Every restore: of which backup, on which unit, and how many units there were. */
  readonly restores: { readonly id: unknown; readonly unit: string; readonly units: number }[];
}

export interface RestoreWorldRig extends ScaleWorldRig {
  readonly kubernetes: FakeKubernetes;
  readonly target: FakeObjectStore;
  readonly source: FakeObjectStore;
  readonly manifest: BackupManifest;
  readonly databases: Readonly<Record<string, RestorableDatabase>>;
  /** The paths that the databases know, and those that they were handed since. */
  readonly paths: Map<string, string>;
  readonly handed: Map<string, string>;
}

export const mysqlBackupId = '2026-11-21T20:16:02Z';

/** A Kubeflow in memory with an intact backup set, made by this very model. */
export const aRestoreWorld = (units = 1): RestoreWorldRig => {
  const rig = aScaleWorld();
  const scratch = mkdtempSync(join(tmpdir(), 'restore-'));
  const kubernetes = new FakeKubernetes();
  const target = new FakeObjectStore({
    description: 'bucket backups at http://s3.test',
    now: () => rig.clock.now(),
  });
  const source = new FakeObjectStore({
    description: 'bucket mlpipeline at http://minio.test:9000',
  });
  const paths = new Map(['kfp-db', 'katib-db'].map((name) => [name, `ckf/${name}`]));
  const handed = new Map<string, string>();
  const manifest = seedSet(target, rig.whole.model);
  const databases = Object.fromEntries(
    ['kfp-db', 'katib-db'].map((name) => [
      name,
      addRestorable(rig, name, units, (id) =>
        target.objects.has(`${paths.get(name) ?? ''}/${id}.md5`),
      ),
    ]),
  );
  for (const name of ['mlmd', 'kfp-metadata-writer'])
    rig.model.addApplication({ name, charm: name });
  kubernetes.addPod('mlmd-0', [
    { name: 'mlmd-grpc-server', mounts: new Map([['mlmd-data', '/data']]) },
  ]);
  const whole: World = {
    ...rig.whole,
    scratch,
    openKubernetes: async () => kubernetes,
    openTarget: async () => targetIn(target),
    openSource: async (bucket) => sourceIn(source, bucket),
    openNotifier: async () => undefined,
    openRunLog: async () => undefined,
    relatedDatabase: async (endpoint) => endpoint,
    handedPath: async (endpoint) => paths.get(endpoint),
    handPath: async (endpoint, path) => {
      handed.set(endpoint, path);
    },
  };
  return {
    ...rig,
    ...{ kubernetes, target, source, manifest, databases, paths, handed, whole },
    [Symbol.dispose]: () => {
      rig.model.stop();
      rmSync(scratch, { recursive: true });
    },
  };
};

const seedSet = (target: FakeObjectStore, model: World['model']): BackupManifest => {
  const base = aManifest({ model });
  let digest = '';
  for (const { path = '' } of base.databases) {
    const listing = createListingDigest();
    for (const [name, content] of [
      [`${mysqlBackupId}.backup.log`, 'completed OK!'],
      [`${mysqlBackupId}.md5`, 'md5'],
      [`${mysqlBackupId}.metadata`, 'Model Name: kubeflow'],
      [`${mysqlBackupId}/data.0`, 'x'.repeat(100)],
      [`${mysqlBackupId}/data.1`, 'y'.repeat(100)],
    ] as const)
      listing.add(name.slice(mysqlBackupId.length), target.seed(`${path}/${name}`, content));
    digest = listing.end();
  }
  const sql = gzipSync(
    'BEGIN TRANSACTION;\nCREATE TABLE MLMDEnv(schema_version);\nINSERT INTO MLMDEnv VALUES(10);\nCOMMIT;\n',
  );
  const dump = target.seed(base.mlmd!.key, sql);
  const lines = ['artifacts/1', 'pipelines/1'].map((key) => {
    const { size, etag, lastModified } = target.seed(`ckf/mlpipeline/${key}`, `content of ${key}`);
    return `${JSON.stringify({ key, size, etag, lastModified: lastModified.toISOString() })}\n`;
  });
  const [bucket] = base.buckets;
  const list = target.seed(bucket!.list.key, gzipSync(lines.join('')));
  const manifest: BackupManifest = {
    ...base,
    databases: base.databases.map((database) => ({ ...database, size: 236, objects: 5, digest })),
    mlmd: { ...base.mlmd!, size: dump.size, sha256: sha256(dump.bytes), rows: { MLMDEnv: 1 } },
    buckets: [
      {
        ...bucket!,
        list: { key: list.key, size: list.size, sha256: sha256(list.bytes) },
        objects: 2,
      },
    ],
  };
  target.seed(`ckf/sets/${manifest.id}/manifest.json`, JSON.stringify(manifest));
  return manifest;
};

const addRestorable = (
  { model, clock }: ScaleWorldRig,
  name: string,
  units: number,
  isThere: (id: string) => boolean,
): RestorableDatabase => {
  const database: RestorableDatabase = {
    states: new Map(),
    failure: undefined,
    takes: 0,
    restores: [],
  };
  model.addApplication({
    name,
    charm: 'mysql-k8s',
    revision: 344,
    workloadVersion: '8.0.44',
    units,
    actions: {
      'get-cluster-status': async () => ({
        results: {
          status: {
            defaultreplicaset: {
              status: 'ok',
              topology: Object.fromEntries(
                model.application(name).units.map((unit) => [
                  unit.name.replace('/', '-'),
                  {
                    memberrole: unit.number === 0 ? 'primary' : 'secondary',
                    status: database.states.get(unit.name) ?? 'online',
                  },
                ]),
              ),
            },
          },
        },
      }),
      'list-backups': async () => ({
        results: {
          backups: [
            'backup-id | backup-type | backup-status',
            '-----',
            ...(isThere(mysqlBackupId) ? [`${mysqlBackupId} | physical | finished`] : []),
          ].join('\n'),
        },
      }),
      restore: async ({ unit, parameters }) => {
        const id = parameters['backup-id'];
        database.restores.push({ id, unit, units: model.application(name).units.length });
        if (database.takes > 0) await clock.sleep(database.takes);
        if (database.failure !== undefined) return { results: {}, failed: database.failure };
        model.setApplicationStatus(
          name,
          'blocked',
          'Move restored cluster to another S3 repository',
        );
        return { results: { completed: 'ok' } };
      },
    },
  });
  return database;
};

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
