import { writeManifest } from '../../src/repository/stored-manifest.ts';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  backupIdAt,
  type BackupId,
  layoutOf,
  setOfObjectList,
} from '../../src/repository/layout.ts';
import { createBandwidth } from '../../src/components/buckets/bandwidth.ts';
import { copyBucket } from '../../src/components/buckets/mirror-bucket.ts';
import { hasAnySet, newestOfBuckets } from '../../src/repository/sets.ts';
import { createListingDigest } from '../../src/components/databases/stored-backup.ts';
import { type BackupManifest } from '../../src/repository/manifest.ts';
import {
  openObjectList,
  uploadObjectList,
  type ListedObject,
} from '../../src/repository/object-list.ts';
import { CharmError } from '../../src/errors.ts';
import { reserveId } from '../../src/repository/reserve-id.ts';
import { clearDebris } from '../../src/retention/debris.ts';
import type { Clock, Target, World } from '../../src/world.ts';
import { FakeJournal } from '../fakes/journal.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { FakeProgress } from '../fakes/progress.ts';
import { aManifest } from './manifest.ts';

export const model = { name: 'kubeflow', uuid: '1b2c3d4e-0000-4000-8000-000000000001' };
export const prefix = 'ckf';
export const layout = layoutOf(prefix);
export const bucket = 'mlpipeline';

/** How far a simulated backup comes before it dies. */
export type Death = 'while copying' | 'after the dump' | 'before the manifest';

/**
 * A prefix that real passes of the bucket copy fill, with dumps and database backups that are only
 * bytes.
 */
export interface Vault extends AsyncDisposable {
  readonly source: FakeObjectStore;
  readonly store: FakeObjectStore;
  readonly target: Target;
  readonly world: World;
  readonly progress: FakeProgress;
  readonly journal: FakeJournal;
  /** Lets time pass, in seconds. */
  pass(seconds: number): void;
  /** Makes a set, an hour after the last one. With `dies` it leaves what a killed process would. */
  backUp(options?: BackUpOptions): Promise<BackupId>;
  manifest(id: BackupId): BackupManifest;
  /** Every object of a set as it would be restored: key -> bytes. Fails when one is not there. */
  restored(id: BackupId): Promise<ReadonlyMap<string, Buffer>>;
}

export interface BackUpOptions {
  readonly consistent?: boolean;
  readonly dies?: Death;
  readonly changes?: Partial<BackupManifest>;
}

/** Its time begins at `start`, and passes only when it is told to. */
export const createVault = async (start = new Date('2026-11-01T00:00:00Z')): Promise<Vault> => {
  const scratch = await mkdtemp(join(tmpdir(), 'vault-'));
  const clock = stillClock(start);
  const now = (): Date => clock.now();
  const source = new FakeObjectStore({
    description: 'bucket mlpipeline at http://minio.test',
    now,
  });
  const store = new FakeObjectStore({ description: 'bucket backups at http://s3.test', now });
  const target: Target = {
    store,
    bucket: 'backups',
    endpoint: 'http://s3.test',
    prefix,
    application: 'ckf-backup',
  };
  const progress = new FakeProgress();
  const journal = new FakeJournal();
  const world = worldOf({ clock, target, scratch, progress, journal });
  store.seed(layout.claim, JSON.stringify({ format: 1, model, generations: {} }));

  const backUp = async ({ consistent = true, dies, changes }: BackUpOptions = {}) => {
    clock.pass(3600);
    const started = clock.now().toISOString();
    const olderThan = backupIdAt(clock.now());
    await clearDebris(target, layout, { olderThan, buckets: [bucket] });
    const { id } = await reserveId(store, layout, clock.now());
    const listed = (await newestOfBuckets(target, [bucket])).get(bucket);
    const file = join(scratch, `${id}.list`);
    const pass = await copyBucket(
      { store: source, bucket, endpoint: 'http://minio.test' },
      target,
      {
        mirror: layout.mirror(bucket),
        history: layout.history(bucket),
        baseline: listed && openObjectList(store, listed.list.key),
        lastListed: listed && (await store.head(listed.list.key))?.lastModified,
        list: file,
        archive: await hasAnySet(target),
        keepsTags: true,
        confirmListed: false,
        previousCount: undefined,
        allowShrink: true,
        transfers: 4,
        bandwidth: createBandwidth([], clock),
        clock,
        signal: world.signal,
      },
    );
    if (dies === 'while copying') return id;
    const databases = ['kfp-db', 'katib-db'].map((component) => ({
      ...aManifest().databases.find((one) => one.component === component)!,
      ...seedDatabase(store, component, id),
    }));
    const mlmd = seedDump(store, id);
    if (dies === 'after the dump') return id;
    const key = layout.objectList(id, bucket);
    const { size, sha256 } = await uploadObjectList(store, key, file);
    if (dies === 'before the manifest') return id;
    const manifest = aManifest({
      id,
      model,
      started,
      finished: clock.now().toISOString(),
      consistent,
      databases,
      mlmd: { ...aManifest().mlmd!, ...mlmd },
      buckets: [
        {
          ...aManifest().buckets[0]!,
          list: { key, size, sha256 },
          objects: pass.listed,
          size: pass.bytes,
          noneCameBackSince:
            listed === undefined || pass.cameBack !== 0
              ? id
              : (listed.noneCameBackSince ?? setOfObjectList(layout, listed.list.key) ?? id),
        },
      ],
      ...changes,
    });
    clock.pass(60);
    await writeManifest(store, layout.manifest(id), manifest);
    return id;
  };

  return {
    source,
    store,
    target,
    world,
    progress,
    journal,
    pass: (seconds) => {
      clock.pass(seconds);
    },
    backUp,
    manifest: (id) => manifestIn(store, id),
    restored: (id) => restoredFrom(store, id),
    [Symbol.asyncDispose]: () => rm(scratch, { recursive: true }),
  };
};

/** Every object of a set as it would be restored: key -> bytes. Fails when one is not there. */
export const restoredFrom = async (
  store: FakeObjectStore,
  id: BackupId,
): Promise<ReadonlyMap<string, Buffer>> => {
  const objects = new Map<string, Buffer>();
  for (const { list } of manifestIn(store, id).buckets)
    for await (const line of openObjectList(store, list.key))
      objects.set(line.key, bytesOf(store, line));
  return objects;
};

const manifestIn = (store: FakeObjectStore, id: BackupId): BackupManifest =>
  JSON.parse(store.bucket.get(layout.manifest(id)).bytes.toString()) as BackupManifest;

/** Another store with the same objects, of the same age. None of them may be in parts. */
export const copyOf = (store: FakeObjectStore, clock: Clock): FakeObjectStore => {
  let age: Date | undefined;
  const copy = new FakeObjectStore({
    description: store.description,
    now: () => age ?? clock.now(),
  });
  for (const { key, bytes, metadata, lastModified } of store.objects.values()) {
    age = lastModified;
    copy.seed(key, bytes, metadata);
  }
  age = undefined;
  return copy;
};

/** The objects that mysql-k8s leaves of a backup, as facts of its charm say. */
export const seedDatabase = (
  store: FakeObjectStore,
  component: string,
  databaseBackupId: string,
  at = 1,
) => {
  const path = layout.databasePath(component, at);
  store.seed(`${path}/group_replication_id.txt`, 'b3a1');
  store.seed(`${path}/binlogs/binlog.000001`, 'rows');
  const family: Readonly<Record<string, string>> = {
    [`${databaseBackupId}.metadata`]: 'Model Name: kubeflow',
    [`${databaseBackupId}/ibdata1.00000000000000000000`]: `data of ${component} in ${databaseBackupId}`,
    [`${databaseBackupId}/ibdata1.00000000000000000001`]: '',
    [`${databaseBackupId}.backup.log`]: 'completed OK!',
    [`${databaseBackupId}.md5`]: 'd41d8cd98f00b204e9800998ecf8427e',
  };
  const digest = createListingDigest();
  for (const name of Object.keys(family).toSorted())
    digest.add(
      name.slice(databaseBackupId.length),
      store.seed(`${path}/${name}`, family[name] ?? ''),
    );
  const size = Object.values(family).reduce((total, content) => total + content.length, 0);
  return {
    backupId: databaseBackupId,
    path,
    size,
    objects: Object.keys(family).length,
    digest: digest.end(),
  };
};

/** A dump that can be loaded, and what a manifest says of it. */
const seedDump = (store: FakeObjectStore, id: BackupId) => {
  const key = layout.mlmdDump(id);
  const dump = gzipSync(
    [
      'BEGIN TRANSACTION;',
      'CREATE TABLE MLMDEnv (schema_version INTEGER PRIMARY KEY);',
      'INSERT INTO MLMDEnv VALUES(10);',
      'CREATE TABLE Artifact (id INTEGER PRIMARY KEY, uri TEXT);',
      `INSERT INTO Artifact VALUES(1,'minio://mlpipeline/${id}');`,
      'COMMIT;\n',
    ].join('\n'),
  );
  store.seed(key, dump);
  const sha256 = createHash('sha256').update(dump).digest('hex');
  return { key, size: dump.length, sha256, schemaVersion: 10, rows: { MLMDEnv: 1, Artifact: 1 } };
};

const bytesOf = (store: FakeObjectStore, line: ListedObject): Buffer => {
  const etag = line.mirrorEtag ?? line.etag;
  const inMirror = store.bucket.find(layout.mirror(bucket) + line.key);
  const found =
    inMirror?.etag === etag
      ? inMirror
      : store.bucket.find(`${layout.history(bucket)}${line.key}/${etag}`);
  assert.ok(found, `nothing is left of ${line.key} with the ETag ${etag}`);
  assert.equal(found.size, line.size, line.key);
  return found.bytes;
};

/**
 * Time stands still unless it is told to pass. Short pauses pass at once, and who sleeps for long
 * wakes only when told to stop.
 */
const stillClock = (start: Date): Clock & { pass(seconds: number): void } => {
  let now = start.getTime();
  return {
    now: () => new Date(now),
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (milliseconds < 10_000) resolve();
        signal?.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      }),
    pass: (seconds) => {
      now += seconds * 1000;
    },
  };
};

const worldOf = (
  parts: Pick<World, 'clock' | 'scratch' | 'progress' | 'journal'> & { readonly target: Target },
): World => {
  const away = (what: string) => async (): Promise<never> => {
    throw new CharmError('juju-credentials-missing', `${what} is not there.`);
  };
  return {
    ...parts,
    openJuju: away('Juju'),
    openKubernetes: away('Kubernetes'),
    openVolumes: away('Volumes'),
    openCluster: away('The cluster'),
    openTarget: async () => parts.target,
    openSource: away('MinIO'),
    startCopyThread: away('A thread'),
    openSigningKeys: async () => undefined,
    openNotifier: async () => undefined,
    openRunLog: async () => undefined,
    relatedDatabase: async () => undefined,
    handedPath: async () => undefined,
    handPath: async () => undefined,
    model,
    application: 'ckf-backup',
    unit: 'ckf-backup/0',
    host: 'node-1',
    task: '7',
    signal: new AbortController().signal,
  };
};
