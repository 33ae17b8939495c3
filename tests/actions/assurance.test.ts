import assert from 'node:assert/strict';
import { assurance } from '../../src/actions/assurance.ts';
import { verifyBackup } from '../../src/actions/verify-backup.ts';
import { listBackups } from '../../src/actions/list-backups.ts';
import { CharmError } from '../../src/errors.ts';
import { keepProof } from '../../src/repository/proofs.ts';
import type { Cluster, CustomResource, JujuModel, Kubernetes, World } from '../../src/world.ts';
import { aConfig } from '../rigs/config.ts';
import { sourceIn, targetIn } from '../rigs/target.ts';
import { createVault, layout, type Vault } from '../rigs/vault.ts';

const config = aConfig();

const resource = (namespace: string, name: string): CustomResource => ({
  ...{ namespace, name, labels: {}, annotations: {}, status: {}, spec: {} },
});

describe('assurance', () => {
  let vault: Vault;
  let applications: Record<string, string>;
  let resources: Record<string, CustomResource[]>;
  let related: Record<string, string | undefined>;
  let away: CharmError | undefined;
  beforeEach(async () => {
    vault = await createVault();
    vault.source.seed('pipelines/1', 'a pipeline');
    vault.source.buckets = ['mlpipeline'];
    applications = { 'kfp-db': 'ch:amd64/mysql-k8s-344', minio: 'ch:amd64/minio-1' };
    related = { 'kfp-db': 'kfp-db' };
    resources = {};
    away = undefined;
  });
  afterEach(() => vault[Symbol.asyncDispose]());

  const openJuju = async (): Promise<JujuModel> => {
    if (away) throw away;
    const juju: Partial<Record<keyof JujuModel, unknown>> = {
      status: async () => ({
        name: 'kubeflow',
        applications: new Map(
          Object.entries(applications).map(([name, charm]) => [name, { name, charm }]),
        ),
      }),
      [Symbol.asyncDispose]: async () => undefined,
    };
    return juju as JujuModel;
  };
  const openKubernetes = async (): Promise<Kubernetes> => {
    const kubernetes: Partial<Kubernetes> = {
      async *list({ plural }) {
        yield* resources[plural] ?? [];
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    return kubernetes as Kubernetes;
  };
  const openCluster = async (): Promise<Cluster> => {
    const cluster: Partial<Cluster> = {
      namespace: 'kubeflow',
      list: async () => [],
      [Symbol.asyncDispose]: async () => undefined,
    };
    return cluster as Cluster;
  };
  const look = () => {
    const relatedDatabase = async (endpoint: string) => related[endpoint];
    const openSource = async (bucket: string) => sourceIn(vault.source, bucket);
    const seen = { openJuju, openKubernetes, openCluster, openSource, relatedDatabase };
    const world: World = { ...vault.world, ...seen };
    return assurance(world, config, {});
  };

  it('says that there is nothing to go back to', async () => {
    const { assurance: line } = await look();
    assert.match(line ?? '', /^There is no set that could be restored;/);
  });

  it('names the newest set, its age, that nobody proved it, and what a restore takes', async () => {
    await vault.backUp();
    const id = await vault.backUp();
    vault.pass(3600);
    const found = await look();
    assert.match(
      found['assurance'] ?? '',
      new RegExp(
        `^Could go back to ${id} \\(1h\\d+m ago\\); never proven; a restore takes about .*; nothing that is known of is unprotected$`,
      ),
    );
    assert.equal(found['backup-id'], id);
    assert.match(found['proven'] ?? '', /^never; juju run ckf-backup\/leader verify-backup/);
    assert.equal(found['not-protected'], 'none');
  });

  it('knows how a set was proven, the best proof first, from what lies next to the set', async () => {
    const id = await vault.backUp();
    await verifyBackup(vault.world, config, { 'backup-id': id });
    assert.match((await look())['proven'] ?? '', /^verified 0s ago, at 2026-11/);
    await verifyBackup(vault.world, config, { 'backup-id': id, deep: true });
    await verifyBackup(vault.world, config, { 'backup-id': id });
    assert.match((await look())['proven'] ?? '', /^read as a whole/);
    await keepProof(targetIn(vault.store), id, {
      ...{ kind: 'restore', at: '2026-11-02T00:00:00Z', intact: true, seconds: 90, bytes: 10 },
    });
    const found = await look();
    assert.match(found['proven'] ?? '', /^restored/);
    assert.match(found['restore'] ?? '', /about 1m30s$/);
    assert.equal(found['restore-known-from'], 'a restore of this set');
    const { assurance: line } = await listBackups(vault.world, config, {});
    assert.match(line ?? '', /restored .* ago; a restore takes about 1m30s$/);
  });

  it('passes over what cannot be restored: damaged, unreadable, without its list', async () => {
    const good = await vault.backUp();
    const [damaged, unreadable, listless] = [
      await vault.backUp(),
      await vault.backUp(),
      await vault.backUp(),
    ];
    await keepProof(targetIn(vault.store), damaged, {
      ...{ kind: 'verify', at: '2026-11-02T00:00:00Z', intact: false, seconds: 9, bytes: 0 },
    });
    vault.store.seed(layout.manifest(unreadable), 'not JSON');
    await vault.store.delete([layout.objectList(listless, 'mlpipeline')]);
    const found = await look();
    assert.equal(found['backup-id'], good);
    assert.match(found['assurance'] ?? '', /3 newer could not be restored/);
    assert.deepEqual(
      found['passed-over']?.split('\n').map((line) => line.slice(0, 20)),
      [listless, unreadable, damaged],
    );
  });

  it('tells what no set holds, each with the command that adds it', async () => {
    vault.source.buckets = ['mlpipeline', 'models'];
    applications['katib-db'] = 'ch:amd64/mysql-k8s-344';
    applications['feast-db'] = 'ch:amd64/mysql-k8s-300';
    resources = {
      notebooks: [resource('alice', 'nb'), resource('bob', 'nb')],
      profiles: [resource('', 'alice')],
    };
    const found = await look();
    assert.deepEqual(found['not-protected']?.split('\n'), [
      'database katib-db (no relation)',
      '    juju integrate ckf-backup:katib-db katib-db:s3-parameters',
      'database feast-db',
      '    juju run feast-db/leader create-backup',
      '1 bucket of MinIO: models',
      '    juju config ckf-backup source-buckets=mlpipeline,models',
      'custom resources: 1 profiles, 2 notebooks',
      '    kubectl get profiles.kubeflow.org,notebooks.kubeflow.org --all-namespaces -o yaml > custom-resources.yaml',
    ]);
    assert.match(
      found['assurance'] ?? '',
      /not protected: database katib-db \(no relation\), .*custom resources$/,
    );
  });

  it('does not take for protected what it could not look at', async () => {
    away = new CharmError('juju-unreachable', 'Away.');
    const found = await look();
    assert.match(found['assurance'] ?? '', /not all could be looked at$/);
    assert.match(found['not-looked-at'] ?? '', /Away\. \[juju-unreachable\]/);
  });
});
