import assert from 'node:assert/strict';
import { parseVolumePatterns } from '../../src/config/volumes.ts';
import type { Claim } from '../../src/volumes/claims.ts';
import { excludesOf, isCoveredNamespace, skipReason } from '../../src/volumes/policy.ts';
import type { ClusterObject } from '../../src/world.ts';

const aNamespace = (changes: Partial<ClusterObject> = {}): ClusterObject => ({
  namespace: '',
  name: 'alice',
  uid: 'uid-1',
  labels: { 'app.kubernetes.io/part-of': 'kubeflow-profile' },
  annotations: { owner: 'alice@example.com' },
  owners: [],
  deleting: false,
  fields: {},
  ...changes,
});

const aClaim = (changes: Partial<Claim> = {}): Claim => ({
  namespace: 'alice',
  name: 'lab-workspace',
  uid: 'uid-2',
  size: '5Gi',
  accessModes: ['ReadWriteOnce'],
  storageClass: undefined,
  volumeMode: 'Filesystem',
  phase: 'Bound',
  deleting: false,
  annotations: {},
  owners: [],
  ...changes,
});

const user = { pod: 'lab-0', node: 'node-1', tolerations: [] };
const all = parseVolumePatterns('*/*') ?? [];
const reason = (claim: Claim, pod?: typeof user, patterns = all) =>
  skipReason(claim, aNamespace(), pod, patterns);

describe('which volumes are backed up', () => {
  it('is those of profiles by default, and never those of the model', () => {
    const covers = (object: ClusterObject, text = '*/*') =>
      isCoveredNamespace(object, parseVolumePatterns(text) ?? [], 'kubeflow');
    assert.ok(covers(aNamespace()));
    assert.ok(!covers(aNamespace({ name: 'kube-system', labels: {} })));
    assert.ok(!covers(aNamespace({ deleting: true })));
    assert.ok(!covers(aNamespace({ name: 'jupyterhub', labels: {} }), 'jupyter*/*'));
    assert.ok(covers(aNamespace({ name: 'jupyterhub', labels: {} }), 'jupyterhub/claim-*'));
    assert.ok(!covers(aNamespace({ name: 'kubeflow', labels: {} }), 'kubeflow/*'));
  });

  it('is every one that is bound and has files', () => {
    assert.equal(reason(aClaim()), undefined);
    assert.equal(reason(aClaim(), user), undefined);
    assert.equal(reason(aClaim({ phase: 'Pending' })), 'not-bound');
    assert.equal(reason(aClaim({ volumeMode: 'Block' })), 'block-mode');
    assert.equal(reason(aClaim({ deleting: true })), 'deleting');
  });

  it('is none that two pods cannot have, that goes with a workflow, or that somebody paused', () => {
    const alone = aClaim({ accessModes: ['ReadWriteOncePod'] });
    assert.equal(reason(alone, user), 'in-use-rwop');
    assert.equal(reason(alone), undefined);
    assert.equal(reason(aClaim({ owners: ['Workflow'] })), 'temporary');
    assert.equal(reason(aClaim({ owners: ['Notebook'] })), undefined);
    assert.equal(reason(aClaim({ annotations: { 'ckf-backup/paused': 'true' } })), 'paused');
    const paused = aNamespace({ annotations: { 'ckf-backup/paused': 'true' } });
    assert.equal(skipReason(aClaim(), paused, undefined, all), 'paused');
  });

  it('is those whose names match, and a dot means a dot', () => {
    const patterns = parseVolumePatterns('alice/lab-*,bob/data.?') ?? [];
    assert.equal(reason(aClaim(), undefined, patterns), undefined);
    assert.equal(reason(aClaim({ name: 'other' }), undefined, patterns), 'excluded');
    const ofBob = (name: string) => reason(aClaim({ namespace: 'bob', name }), undefined, patterns);
    assert.equal(ofBob('data.1'), undefined);
    assert.equal(ofBob('data-1'), 'excluded');
  });

  it('leaves out what the operator and the user say', () => {
    const claim = aClaim({ annotations: { 'ckf-backup/exclude': '*.ckpt, ,/tmp' } });
    assert.deepEqual(excludesOf(claim, ['.cache']), ['lost+found', '.cache', '*.ckpt', '/tmp']);
  });
});
