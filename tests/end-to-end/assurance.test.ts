import assert from 'node:assert/strict';
import { needsVolumeTools } from '../rigs/needs.ts';
import { boxWithVolumes } from '../rigs/volumes.ts';

describe('assurance on the box', () => {
  const opened = boxWithVolumes();
  before(async function () {
    await needsVolumeTools(this);
  });

  const succeeds = async (action: string) => {
    const { status, message, results } = await opened().box.run(action);
    assert.equal(status, 'completed', message);
    return results;
  };
  /** What is not protected, each with its command. */
  const unprotected = async (): Promise<ReadonlyMap<string, string>> => {
    const { 'not-protected': text, 'not-looked-at': problems } = await succeeds('assurance');
    assert.equal(problems, undefined);
    const lines = String(text).split('\n');
    return new Map(
      lines.flatMap((line, index) =>
        line.startsWith('    ') ? [[lines[index - 1] ?? '', line.trim()]] : [],
      ),
    );
  };

  it('names each kind of thing that no backup holds, with what adds it', async () => {
    const { box } = opened();
    const { 'volumes-key': key } = box.unit.agent.state.config;
    box.stores.minio.contents.put('models', { key: 'a', content: 'weights' });
    await box.disintegrate('katib-db');
    await box.configure({ 'volumes-key': undefined });
    const found = await unprotected();
    await box.configure({ 'volumes-key': String(key) });
    assert.deepEqual(
      [...found].map(([what, command]) => [what, command.split('; ').at(-1)]),
      [
        [
          'database katib-db (no relation)',
          'juju integrate ckf-backup:katib-db katib-db:s3-parameters',
        ],
        ['1 bucket of MinIO: models', 'juju config ckf-backup source-buckets=mlpipeline,models'],
        [
          '3 volumes of users (option volumes-key is not set): alice/lab-workspace, bob/data, carol/lab-workspace',
          'juju run ckf-backup/leader backup-volumes',
        ],
        [
          'custom resources: 1 experiments, 1 scheduledworkflows',
          'kubectl get experiments.kubeflow.org,scheduledworkflows.kubeflow.org --all-namespaces -o yaml > custom-resources.yaml',
        ],
      ],
    );
    const { assurance } = await succeeds('assurance');
    assert.match(
      String(assurance),
      /^There is no set that could be restored; not protected: database katib-db \(no relation\), 1 bucket of MinIO, 3 volumes of users \(no backup yet\), custom resources$/,
    );
  });

  it('names nothing but what is done by hand after its commands were run', async () => {
    const { box } = opened();
    await box.integrate('katib-db');
    await box.configure({ 'source-buckets': 'mlpipeline,models' });
    await succeeds('backup-volumes');
    const { 'backup-id': id } = await succeeds('backup-control-plane');
    assert.deepEqual(
      [...(await unprotected()).keys()].map((what) => what.replace(/:.*/, '')),
      ['custom resources'],
    );
    const results = await succeeds('assurance');
    assert.equal(results['backup-id'], id);
    assert.match(String(results['proven']), /^never; juju run ckf-backup\/leader verify-backup/);
  });
});
