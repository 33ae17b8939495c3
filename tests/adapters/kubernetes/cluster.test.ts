import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { openCluster } from '../../../src/adapters/kubernetes/cluster.ts';
import type { ClusterAccess } from '../../../src/world.ts';
import { clusterContract } from '../../contracts/cluster.ts';
import { FakeCluster } from '../../fakes/cluster.ts';
import { quickClock } from '../../fakes/fast-clock.ts';
import { rejectsWithCode } from '../../rejects-with-code.ts';
import { startKubernetes } from '../../servers/kubernetes/kubernetes.ts';
import type { WorkloadStore } from '../../servers/kubernetes/workload-store.ts';
import { Workloads } from '../../servers/kubernetes/workloads.ts';

const addUsers = (store: WorkloadStore): void => {
  for (const name of ['alice', 'bob'])
    store.create('namespaces', '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
};

const open = (access: () => ClusterAccess) =>
  openCluster({
    access: async () => access(),
    namespace: 'kubeflow',
    signal: new AbortController().signal,
    clock: quickClock,
    timeout: 2000,
  });

describe('the fake of the cluster', () => {
  clusterContract(async () => {
    const cluster = new FakeCluster();
    addUsers(cluster.store);
    return {
      cluster,
      add: (kind, manifest) =>
        void cluster.store.create(kind, manifest.metadata.namespace, manifest),
      [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
    };
  });
});

describe('the adapter of the cluster', () => {
  const openRig = async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cluster-'));
    const server = await startKubernetes();
    const workloads = new Workloads({ directory, model: 'kubeflow', program: () => undefined });
    server.workloads = workloads;
    const { store } = workloads;
    addUsers(store);
    const cluster = await open(() => server.access);
    return {
      ...{ cluster, server, workloads },
      add: (kind: 'notebooks', manifest: Parameters<typeof cluster.create>[1]) =>
        void store.create(kind, manifest.metadata.namespace, manifest),
      [Symbol.asyncDispose]: async () => {
        await cluster[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  };
  clusterContract(openRig);

  it('lists more objects than a page has, also when the list expires in between', async () => {
    await using rig = await openRig();
    for (let count = 0; count < 600; count += 1)
      rig.workloads.store.create('secrets', 'alice', {
        ...{ apiVersion: 'v1', kind: 'Secret' },
        metadata: { namespace: 'alice', name: `secret-${count}` },
      });
    const pages = async (): Promise<number> => {
      rig.server.requests.length = 0;
      const found = await rig.cluster.list('secrets', { namespace: 'alice' });
      assert.equal(new Set(found.map(({ name }) => name)).size, 600);
      assert.equal(found.length, 600);
      return rig.server.requests.length;
    };
    assert.equal(await pages(), 3);
    rig.workloads.expiredTokens = 1;
    assert.equal(await pages(), 3, 'a page, the refusal, and all at once');
  });

  it('has the end of what a container wrote when that is long', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cluster-'));
    await using server = await startKubernetes();
    await using workloads = new Workloads({ directory, model: 'kubeflow', program: () => 'seq' });
    server.workloads = workloads;
    addUsers(workloads.store);
    await using cluster = await open(() => server.access);
    const container = { name: 'restic', image: 'x', command: ['seq'], args: ['1', '30000'] };
    await cluster.create('pods', {
      ...{ apiVersion: 'v1', kind: 'Pod', spec: { containers: [container], volumes: [] } },
      metadata: { namespace: 'kubeflow', name: 'ckf-backup-1' },
    });
    let log = '';
    while (!log.includes('30000')) log = await cluster.log('kubeflow', 'ckf-backup-1', 'restic');
    assert.match(log, /^20001\n20002\n/);
    assert.match(log, /\n30000\n$/);
    rmSync(directory, { recursive: true, force: true });
  });

  it('says which command lets it in when it is not allowed', async () => {
    await using rig = await openRig();
    rig.server.denied.add('persistentvolumeclaims');
    const { message } = await rejectsWithCode(
      rig.cluster.list('persistentvolumeclaims', { namespace: 'alice' }),
      'kubernetes-denied',
    );
    assert.match(
      message,
      /^Kubernetes does not allow us to list persistentvolumeclaims of the namespace alice: .*Run: juju trust ckf-backup --scope=cluster$/,
    );
  });

  it('asks again while the server is busy or the connection breaks', async () => {
    await using rig = await openRig();
    rig.server.answerFaults.push(503, 429, 0);
    assert.equal((await rig.cluster.list('namespaces')).length, 3);
  });

  describe('with a server that answers what it likes', () => {
    /** Each request, and what it is answered. */
    const served = async (answers: readonly (readonly [status: number, body: string])[]) => {
      const asked: string[] = [];
      const server = createServer((request, response) => {
        void text(request).then((body) => {
          const { authorization = '', 'content-type': type = '' } = request.headers;
          asked.push([request.method, request.url, authorization, type, body].join(' ').trim());
          const [status, answer] = answers[asked.length - 1] ?? [200, '{}'];
          response.writeHead(status).end(answer);
        });
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const cluster = await open(() => ({
        ...{ server: `http://127.0.0.1:${port}`, ca: '', token: 'a-token' },
      }));
      return {
        ...{ asked, cluster },
        [Symbol.asyncDispose]: async () => {
          await cluster[Symbol.asyncDispose]();
          server.closeAllConnections();
          server.close();
        },
      };
    };

    it('sends each request as the API wants it', async () => {
      await using rig = await served([]);
      const { cluster } = rig;
      await cluster.patch('notebooks', 'alice', 'lab', { metadata: { annotations: { a: null } } });
      await cluster.remove('jobs', 'alice', 'one');
      await cluster.log('kubeflow', 'pod', 'restic');
      const token = 'Bearer a-token';
      assert.deepEqual(rig.asked, [
        `PATCH /apis/kubeflow.org/v1/namespaces/alice/notebooks/lab ${token} application/merge-patch+json {"metadata":{"annotations":{"a":null}}}`,
        `DELETE /apis/batch/v1/namespaces/alice/jobs/one ${token} application/json {"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Background"}`,
        `GET /api/v1/namespaces/kubeflow/pods/pod/log?container=restic&tailLines=10000&limitBytes=8388608 ${token}`,
      ]);
    });

    it('says that an answer is no JSON, or no list', async () => {
      await using rig = await served([
        [200, '<html>'],
        [200, '{"kind":"List"}'],
      ]);
      const html = await rejectsWithCode(
        rig.cluster.read('pods', 'alice', 'one'),
        'kubernetes-refused',
      );
      assert.equal(html.message, 'Kubernetes sent an answer that is no JSON.');
      const { message } = await rejectsWithCode(rig.cluster.list('pods'), 'kubernetes-refused');
      assert.equal(message, 'Kubernetes sent a list without items.');
    });

    it('says that an object which exists is not found', async () => {
      const status = (code: number) => JSON.stringify({ kind: 'Status', message: 'no', code });
      await using rig = await served([
        [409, status(409)],
        [404, status(404)],
      ]);
      const metadata = { namespace: 'alice', name: 'one' };
      const { message } = await rejectsWithCode(
        rig.cluster.create('secrets', { apiVersion: 'v1', kind: 'Secret', metadata }),
        'kubernetes-refused',
      );
      assert.equal(
        message,
        'Kubernetes says that secrets alice/one exists, and does not find it. Try again in a minute.',
      );
    });

    it('takes a Secret that exists for its own where it may not read it', async () => {
      const status = (code: number) => JSON.stringify({ kind: 'Status', message: 'no', code });
      const metadata = { namespace: 'alice', name: 'one' };
      const create = async (kind: 'secrets' | 'jobs') => {
        await using rig = await served([
          [409, status(409)],
          [403, status(403)],
        ]);
        return await rig.cluster.create(kind, { apiVersion: 'v1', metadata });
      };
      assert.equal((await create('secrets')).name, 'one');
      await rejectsWithCode(create('jobs'), 'kubernetes-denied');
    });

    it('sees that an object is being deleted', async () => {
      const metadata = {
        namespace: 'alice',
        name: 'one',
        deletionTimestamp: '2026-11-21T20:15:00Z',
      };
      await using rig = await served([[200, JSON.stringify({ metadata })]]);
      assert.equal((await rig.cluster.read('pods', 'alice', 'one'))?.deleting, true);
    });
  });
});
