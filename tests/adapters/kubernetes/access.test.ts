import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readClusterAccess, readNamespace } from '../../../src/adapters/kubernetes/access.ts';
import { hasCode } from '../../../src/errors.ts';
import { FakeHookTools } from '../../fakes/hook-tools.ts';

const mounted = async (files: Readonly<Record<string, string>>) => {
  const directory = await mkdtemp(join(tmpdir(), 'serviceaccount-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  return {
    directory,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
};

const files = { token: 't0ken\n', 'ca.crt': 'PEM\n', namespace: 'kubeflow-2\n' };

describe('the access to Kubernetes', () => {
  it('is what Juju hands to an application that it trusts', async () => {
    const tools = new FakeHookTools();
    tools.credential = { server: 'https://k8s:6443', ca: 'C', token: 'T' };
    assert.deepEqual(await readClusterAccess(tools, {}, '/none', 'ckf-backup'), tools.credential);
  });

  it('is what is mounted into the pod where Juju hands out nothing', async () => {
    await using account = await mounted(files);
    const read = (host: string, port?: string) =>
      readClusterAccess(
        new FakeHookTools(),
        { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port },
        account.directory,
        'ckf-backup',
      );
    assert.deepEqual(await read('10.0.0.1', '6443'), {
      server: 'https://10.0.0.1:6443',
      ca: 'PEM',
      token: 't0ken',
    });
    assert.equal((await read('fd00::1')).server, 'https://[fd00::1]:443');
  });

  it('is to be given with juju trust when there is neither', async () => {
    await using account = await mounted({ token: 't' });
    await assert.rejects(
      readClusterAccess(new FakeHookTools(), {}, account.directory, 'ckf-backup'),
      (error) =>
        hasCode(error, 'kubernetes-denied') &&
        error.message.includes('juju trust ckf-backup --scope=cluster'),
    );
  });

  it('is for the namespace of the pod, which is named after the model unless Kubernetes says otherwise', async () => {
    await using account = await mounted(files);
    assert.equal(await readNamespace(account.directory, 'kubeflow'), 'kubeflow-2');
    assert.equal(await readNamespace('/none', 'kubeflow'), 'kubeflow');
  });
});
