import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import {
  openKubernetes,
  type KubernetesOptions,
} from '../../../src/adapters/kubernetes/kubernetes.ts';
import { hasCode } from '../../../src/errors.ts';
import type { Clock, ClusterAccess } from '../../../src/world.ts';
import { contractKind, contractWorkflows, kubernetesContract } from '../../contracts/kubernetes.ts';
import {
  startKubernetes,
  type KubernetesServerOptions,
} from '../../servers/kubernetes/kubernetes.ts';

const charm = { pod: 'mlmd-0', container: 'charm' };

/**
 * Sleeps for a hundredth of the time, and takes it for all of it, so that retries need none of the
 * test's.
 */
const quickClock = (): Clock => {
  let skipped = 0;
  return {
    now: () => new Date(Date.now() + skipped),
    sleep: async (milliseconds, signal) => {
      await wait(milliseconds / 100, undefined, { signal });
      skipped += milliseconds;
    },
  };
};

interface RigOptions extends Partial<Omit<KubernetesOptions, 'access'>> {
  readonly access?: (access: ClusterAccess) => ClusterAccess;
}

const openRig = async (
  { access = (real) => real, ...options }: RigOptions = {},
  serverOptions: KubernetesServerOptions = {},
) => {
  const folder = await mkdtemp(join(tmpdir(), 'kubernetes-'));
  const server = await startKubernetes(serverOptions);
  const programs = ['sh', 'cat', 'head', 'sleep'];
  server.setPod('mlmd-0', {
    containers: {
      charm: { root: join(folder, 'charm'), mounts: { '/volume': folder }, programs },
      'mlmd-grpc-server': { root: join(folder, 'workload'), mounts: { '/data': folder }, programs },
    },
  });
  server.setResources(
    `${contractKind.groupVersion}/${contractKind.plural}`,
    Array.from({ length: contractWorkflows }, (_, index) => ({
      metadata: {
        name: `workflow-${index}`,
        namespace: index % 2 === 0 ? 'a' : 'b',
        labels: { done: String(index % 3 === 0) },
      },
      status: { phase: 'Running' },
    })),
  );
  const kubernetes = await openKubernetes({
    access: async () => access(server.access),
    namespace: 'kubeflow',
    signal: new AbortController().signal,
    clock: quickClock(),
    timeout: 2000,
    silence: 60_000,
    ...options,
  });
  return {
    folder,
    server,
    kubernetes,
    [Symbol.asyncDispose]: async () => {
      await kubernetes[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
};

describe('the Kubernetes adapter', () => {
  kubernetesContract(openRig);

  describe('with a cluster that speaks v4.channel.k8s.io only', () => {
    it('runs commands that know how much to read', async () => {
      await using rig = await openRig({}, { execProtocols: ['v4.channel.k8s.io'] });
      const stdin = new PassThrough();
      const stdout = new PassThrough();
      stdin.end('all of it');
      const output = buffer(stdout);
      const command = ['head', '-c', '9'];
      assert.equal((await rig.kubernetes.exec(charm, command, { stdin, stdout })).exitCode, 0);
      assert.equal((await output).toString(), 'all of it');
    });
  });

  it('tells a command that its stdin has ended', async () => {
    await using rig = await openRig();
    const stdin = new PassThrough();
    const stdout = new PassThrough();
    stdin.end('all of it');
    const output = buffer(stdout);
    assert.equal((await rig.kubernetes.exec(charm, ['cat'], { stdin, stdout })).exitCode, 0);
    assert.equal((await output).toString(), 'all of it');
  });

  it('carries bytes of every value, and does not lose any of many', async () => {
    await using rig = await openRig();
    const bytes = randomBytes(5_000_000);
    await writeFile(join(rig.folder, 'bytes'), bytes);
    const stdout = new PassThrough();
    const output = buffer(stdout);
    assert.equal(
      (await rig.kubernetes.exec(charm, ['cat', '/volume/bytes'], { stdout })).exitCode,
      0,
    );
    assert.ok((await output).equals(bytes));
  });

  it('makes the command wait while its output is not taken', async () => {
    await using rig = await openRig();
    await writeFile(join(rig.folder, 'bytes'), Buffer.alloc(24 * 1024 * 1024));
    let taken = 0;
    const gate = Promise.withResolvers<undefined>();
    const stdout = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        taken += chunk.length;
        void gate.promise.then(() => {
          done();
        });
      },
    });
    const run = rig.kubernetes.exec(charm, ['cat', '/volume/bytes'], { stdout });
    while (taken === 0) await wait(10);
    await wait(200);
    assert.equal(rig.server.running, 1);
    assert.ok(stdout.writableLength < 4 * 1024 * 1024, `${stdout.writableLength} bytes are held`);
    gate.resolve(undefined);
    assert.equal((await run).exitCode, 0);
    assert.equal(taken, 24 * 1024 * 1024);
  });

  it('keeps the first 64 KiB of what the command says', async () => {
    await using rig = await openRig();
    await writeFile(join(rig.folder, 'text'), 'y'.repeat(200_000));
    const { stderr } = await rig.kubernetes.exec(charm, [
      'sh',
      '-c',
      'cat "$1" >&2',
      'sh',
      '/volume/text',
    ]);
    assert.equal(stderr, 'y'.repeat(65_536));
  });

  for (const fault of [
    { kind: 'drop', afterBytes: 1 },
    { kind: 'restart', afterBytes: 1 },
    { kind: 'no-status' },
  ] as const)
    it(`fails when the connection closes without a status (${fault.kind})`, async () => {
      await using rig = await openRig();
      rig.server.execFaults.push(fault);
      const stdout = new PassThrough();
      stdout.resume();
      await assert.rejects(
        rig.kubernetes.exec(charm, ['sh', '-c', 'echo out; echo more'], { stdout }),
        (error) =>
          hasCode(error, 'kubernetes-unreachable') &&
          /closed .*sh in the container charm/.test(error.message),
      );
      assert.ok(stdout.destroyed);
    });

  it('gives up a connection that shows no sign of life', async () => {
    await using rig = await openRig({ silence: 10_000 });
    rig.server.execFaults.push({ kind: 'silent' });
    await assert.rejects(
      rig.kubernetes.exec(charm, ['cat']),
      (error) =>
        hasCode(error, 'kubernetes-unreachable') && error.message.includes('has not answered'),
    );
  });

  it('stays with a command that is silent for long', async () => {
    await using rig = await openRig({ silence: 10_000 });
    const { exitCode } = await rig.kubernetes.exec(charm, ['sleep', '0.4']);
    assert.equal(exitCode, 0);
  });

  it('starts a list again when the server has forgotten it, and gives no object twice', async () => {
    await using rig = await openRig();
    rig.server.objects.expiredTokens = 2;
    const names = await Array.fromAsync(rig.kubernetes.list(contractKind), ({ name }) => name);
    assert.equal(names.length, contractWorkflows);
    assert.equal(new Set(names).size, contractWorkflows);
  });

  it('gives up a list that always expires', async () => {
    await using rig = await openRig();
    rig.server.objects.expiredTokens = Infinity;
    await assert.rejects(Array.fromAsync(rig.kubernetes.list(contractKind)), (error) =>
      hasCode(error, 'kubernetes-unreachable'),
    );
  });

  it('asks Juju again when the token has been replaced', async () => {
    let asked = 0;
    const tokens = ['old', 'new'];
    await using rig = await openRig({
      access: (real) => ({ ...real, token: tokens[asked++] ?? 'none' }),
    });
    rig.server.token = 'new';
    assert.equal((await rig.kubernetes.pod('mlmd-0'))?.name, 'mlmd-0');
    assert.equal((await rig.kubernetes.exec(charm, ['sh', '-c', 'exit 0'])).exitCode, 0);
    assert.equal(asked, 2);
  });

  it('asks Juju again when an exec is the first to meet the replaced token', async () => {
    await using rig = await openRig();
    await rig.kubernetes.pod('mlmd-0');
    rig.server.token = 'another';
    assert.equal((await rig.kubernetes.exec(charm, ['sh', '-c', 'exit 0'])).exitCode, 0);
  });

  it('says how to trust us when no token is accepted', async () => {
    await using rig = await openRig({
      access: (real) => ({ ...real, token: 'wrong' }),
    });
    await assert.rejects(
      rig.kubernetes.pod('mlmd-0'),
      (error) =>
        hasCode(error, 'kubernetes-denied') &&
        error.message.includes('juju trust ckf-backup --scope=cluster') &&
        !error.message.includes('wrong'),
    );
  });

  for (const [resource, use] of [
    ['pods', async (rig: Awaited<ReturnType<typeof openRig>>) => rig.kubernetes.pod('mlmd-0')],
    ['pods/exec', async (rig) => rig.kubernetes.exec(charm, ['sh'])],
    ['workflows', async (rig) => Array.fromAsync(rig.kubernetes.list(contractKind))],
  ] as const satisfies readonly (readonly [
    string,
    (rig: Awaited<ReturnType<typeof openRig>>) => Promise<unknown>,
  ])[])
    it(`says how to trust us when ${resource} is forbidden`, async () => {
      await using rig = await openRig();
      rig.server.denied.add(resource);
      await assert.rejects(
        use(rig),
        (error) =>
          hasCode(error, 'kubernetes-denied') &&
          error.message.includes('juju trust ckf-backup --scope=cluster'),
      );
    });

  it('knows from Kubernetes that it may not list a kind', async () => {
    await using rig = await openRig();
    rig.server.denied.add('workflows');
    assert.equal(await rig.kubernetes.mayList(contractKind), false);
    const experiments = { groupVersion: 'kubeflow.org/v1beta1', plural: 'experiments' };
    assert.equal(await rig.kubernetes.mayList(experiments), true);
  });

  it('tries again what passes by itself', async () => {
    await using rig = await openRig();
    rig.server.answerFaults.push(503, 0, 429);
    assert.equal((await rig.kubernetes.pod('mlmd-0'))?.name, 'mlmd-0');
  });

  it('has minutes of patience with an API server that restarts, once it has answered', async () => {
    await using rig = await openRig();
    await rig.kubernetes.pod('mlmd-0');
    rig.server.answerFaults.push(...Array.from({ length: 20 }, (_, time) => (time % 2 ? 0 : 503)));
    assert.equal((await rig.kubernetes.exec(charm, ['sh', '-c', 'exit 0'])).exitCode, 0);
  });

  it('takes the token that is mounted now for each call, and does not ask Juju for it', async () => {
    let asked = 0;
    let mounted = 'first';
    await using rig = await openRig({
      access: (real) => {
        asked += 1;
        return { ...real, token: 'of the beginning of the action' };
      },
      token: async () => mounted,
    });
    for (const token of ['first', 'second', 'third']) {
      rig.server.token = token;
      mounted = token;
      assert.equal((await rig.kubernetes.pod('mlmd-0'))?.name, 'mlmd-0');
      assert.equal((await rig.kubernetes.exec(charm, ['sh', '-c', 'exit 0'])).exitCode, 0);
    }
    assert.equal(asked, 1);
  });

  it('says which server does not answer', async () => {
    await using rig = await openRig();
    rig.server.answerFaults.push(500, 500, 500, 500);
    await assert.rejects(
      rig.kubernetes.pod('mlmd-0'),
      (error) =>
        hasCode(error, 'kubernetes-unreachable') &&
        error.message.includes(rig.server.access.server),
    );
  });

  it('does not wait for ever for an answer', async () => {
    await using rig = await openRig({ timeout: 300 });
    rig.server.answerFaults.push(-1);
    assert.equal((await rig.kubernetes.pod('mlmd-0'))?.name, 'mlmd-0');
  });

  it('speaks to nobody whose certificate the cluster did not sign', async () => {
    await using other = await startKubernetes();
    await using rig = await openRig({
      access: (real) => ({ ...real, ca: other.access.ca }),
    });
    for (const attempt of [
      async () => rig.kubernetes.pod('mlmd-0'),
      async () => rig.kubernetes.exec(charm, ['sh']),
    ])
      await assert.rejects(
        attempt,
        (error) => hasCode(error, 'kubernetes-unreachable') && /certificate/.test(error.message),
      );
    assert.deepEqual(rig.server.requests, []);
  });

  it('never asks for anything but to read and to exec', async () => {
    await using rig = await openRig();
    await rig.kubernetes.pod('mlmd-0');
    await Array.fromAsync(rig.kubernetes.list(contractKind));
    await rig.kubernetes.exec(charm, ['sh', '-c', 'exit 0']);
    assert.ok(rig.server.requests.every((request) => /^(GET|EXEC) /.test(request)));
  });
});
