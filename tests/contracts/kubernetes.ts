import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { hasCode } from '../../src/errors.ts';
import type { CustomResourceKind, Kubernetes } from '../../src/world.ts';

export const contractKind: CustomResourceKind = {
  groupVersion: 'argoproj.io/v1alpha1',
  plural: 'workflows',
};

/**
 * What the cluster under test holds: the pod `mlmd-0` with the containers `charm` (sh, head and
 * sleep in it, the volume `data` at /volume) and `mlmd-grpc-server` (the same volume at /data), and
 * `contractWorkflows` of `contractKind` in turn in the namespaces `a` and `b`; every third is
 * labelled `done=true`, the others `done=false`.
 */
export const contractWorkflows = 120;

export interface ContractRig extends AsyncDisposable {
  readonly kubernetes: Kubernetes;
}

/** The promises of the port Kubernetes in world.ts. */
export const kubernetesContract = (open: () => Promise<ContractRig>): void => {
  it('tells that it may list a kind', async () => {
    await using rig = await open();
    assert.equal(await rig.kubernetes.mayList(contractKind), true);
  });

  it('reads a pod, its containers and where they mount what', async () => {
    await using rig = await open();
    const pod = await rig.kubernetes.pod('mlmd-0');
    assert.equal(pod?.name, 'mlmd-0');
    assert.equal(pod.phase, 'Running');
    assert.notEqual(pod.uid, '');
    const [charm, workload] = pod.containers;
    assert.deepEqual(
      [charm?.name, charm?.ready, charm?.restarts, workload?.name],
      ['charm', true, 0, 'mlmd-grpc-server'],
    );
    const [volume] = charm!.mounts.keys();
    assert.equal(charm!.mounts.get(volume!), '/volume');
    assert.equal(workload!.mounts.get(volume!), '/data');
  });

  it('knows no pod that is not there', async () => {
    await using rig = await open();
    assert.equal(await rig.kubernetes.pod('other-0'), undefined);
  });

  it('lists every object of a kind once', async () => {
    await using rig = await open();
    const names = await namesOf(rig.kubernetes.list(contractKind));
    assert.equal(names.length, contractWorkflows);
    assert.equal(new Set(names).size, contractWorkflows);
    assert.ok(names.includes('a/workflow-0') && names.includes('b/workflow-1'));
  });

  it('lists what a label selector selects', async () => {
    await using rig = await open();
    const selected = async (selector: string) =>
      (await namesOf(rig.kubernetes.list(contractKind, selector))).length;
    assert.equal(await selected('done!=true'), 80);
    assert.equal(await selected('done=true'), 40);
    assert.equal(await selected('done in (true,false)'), 120);
    assert.equal(await selected('!done'), 0);
  });

  it('lists nothing of a kind that is not installed', async () => {
    await using rig = await open();
    const kind = { groupVersion: 'kubeflow.org/v1beta1', plural: 'experiments' };
    assert.deepEqual(await namesOf(rig.kubernetes.list(kind)), []);
  });

  it('runs a command and gives its output, its errors and its exit status', async () => {
    await using rig = await open();
    const stdout = new PassThrough();
    const output = buffer(stdout);
    const outcome = await rig.kubernetes.exec(
      { pod: 'mlmd-0', container: 'charm' },
      ['sh', '-c', 'echo out; echo error >&2; exit 3'],
      { stdout },
    );
    assert.deepEqual(outcome, { exitCode: 3, stderr: 'error\n' });
    assert.equal((await output).toString(), 'out\n');
  });

  it('gives a command its stdin', async () => {
    await using rig = await open();
    const stdout = new PassThrough();
    const output = buffer(stdout);
    const text = 'x'.repeat(300_000);
    const { exitCode } = await rig.kubernetes.exec(
      { pod: 'mlmd-0', container: 'charm' },
      ['head', '-c', String(text.length)],
      { stdin: Readable.from([Buffer.from(text)]), stdout },
    );
    assert.equal(exitCode, 0);
    assert.ok((await output).equals(Buffer.from(text)));
  });

  it('exits 127 when the container has no such program', async () => {
    await using rig = await open();
    const { exitCode } = await rig.kubernetes.exec({ pod: 'mlmd-0', container: 'charm' }, [
      'no-such-program',
    ]);
    assert.equal(exitCode, 127);
  });

  it('refuses to run a command in a container that is not there', async () => {
    await using rig = await open();
    const stdout = new PassThrough();
    await assert.rejects(
      rig.kubernetes.exec({ pod: 'mlmd-0', container: 'other' }, ['sh'], { stdout }),
      (error) => hasCode(error, 'kubernetes-refused'),
    );
    assert.ok(stdout.destroyed);
  });

  it('stops when the signal fires', async () => {
    await using rig = await open();
    const controller = new AbortController();
    const stdout = new PassThrough();
    stdout.once('data', () => {
      controller.abort();
    });
    await assert.rejects(
      rig.kubernetes.exec(
        { pod: 'mlmd-0', container: 'charm' },
        ['sh', '-c', 'echo started; exec sleep 9'],
        { stdout, signal: controller.signal },
      ),
      (error) => hasCode(error, 'interrupted'),
    );
    assert.ok(stdout.destroyed);
  });

  it('fails when what takes the output fails', async () => {
    await using rig = await open();
    const stdout = new PassThrough();
    stdout.once('data', () => {
      stdout.destroy(new Error('the disk is full'));
    });
    await assert.rejects(
      rig.kubernetes.exec(
        { pod: 'mlmd-0', container: 'charm' },
        ['sh', '-c', 'echo out; exec sleep 9'],
        { stdout },
      ),
      /the disk is full/,
    );
  });
};

const namesOf = async (
  resources: AsyncIterable<{ readonly namespace: string; readonly name: string }>,
): Promise<readonly string[]> =>
  Array.fromAsync(resources, ({ namespace, name }) => `${namespace}/${name}`);
