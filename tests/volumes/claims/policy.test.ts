import assert from 'node:assert/strict';
import { type InUse, parseVolumePatterns } from '../../../src/config/volumes.ts';
import type { Claim, ClaimUser } from '../../../src/volumes/claims/claims.ts';
import { notebookUser } from '../../../src/volumes/claims/identity.ts';
import { excludesOf, isCoveredNamespace, skipReason } from '../../../src/volumes/claims/policy.ts';
import type { ClusterObject } from '../../../src/world.ts';

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
  created: undefined,
  ...changes,
});

const user: ClaimUser = {
  ...{ pod: 'lab-0', node: 'node-1', tolerations: [] },
  ...{ pods: [{ name: 'lab-0', notebook: 'lab' }], identity: notebookUser },
};
const all = parseVolumePatterns('*/*') ?? [];
const reason = (claim: Claim, pod?: ClaimUser, patterns = all) =>
  skipReason(claim, aNamespace(), { user: pod }, patterns);

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
    assert.equal(skipReason(aClaim(), paused, { user: undefined }, all), 'paused');
  });

  describe('when a pod uses it', () => {
    const now = new Date('2026-11-26T12:00:00Z');
    const notebook = (annotations: Readonly<Record<string, string>> = {}): ClusterObject =>
      aNamespace({ namespace: 'alice', name: 'lab', annotations });
    const active = (at: string) =>
      new Map([['lab', notebook({ 'notebooks.kubeflow.org/last-activity': at })]]);
    const used = (
      mode: InUse,
      {
        pods = user.pods,
        notebooks = active('2026-11-26T11:00:00Z'),
        accessModes = ['ReadWriteOnce'],
      } = {},
    ) =>
      skipReason(
        aClaim({ accessModes }),
        aNamespace(),
        { user: { ...user, pods }, rules: { mode, notebooks, now } },
        all,
      );
    const terminal = [...user.pods, { name: 'tensorboard-1', notebook: undefined }];
    const alone = { accessModes: ['ReadWriteOncePod'] };

    it('says live: it is, unless no second pod may have it', () => {
      assert.equal(used('live'), undefined);
      assert.equal(used('live', alone), 'in-use-rwop');
    });

    it('says skip: it is not, and one that nobody uses is', () => {
      assert.equal(used('skip'), 'in-use');
      const rules = { mode: 'skip', notebooks: new Map(), now } as const;
      assert.equal(skipReason(aClaim(), aNamespace(), { user: undefined, rules }, all), undefined);
    });

    it('says idle: it is when nobody has worked for half an hour, and that is known', () => {
      assert.equal(used('idle'), undefined);
      assert.equal(used('idle', { notebooks: active('2026-11-26T11:30:00Z') }), 'in-use-busy');
      assert.equal(used('idle', { notebooks: active('yesterday') }), 'in-use-busy');
      assert.equal(used('idle', { notebooks: new Map([['lab', notebook()]]) }), 'in-use-busy');
      assert.equal(used('idle', { notebooks: new Map() }), 'in-use-busy');
      assert.equal(used('idle', { pods: terminal }), 'in-use-busy');
      assert.equal(used('idle', alone), 'in-use-rwop');
    });

    it('says stop: it is when each pod is of a notebook, which can be started again', () => {
      assert.equal(used('stop'), undefined);
      assert.equal(used('stop', alone), undefined);
      assert.equal(used('stop', { pods: terminal }), 'in-use-other');
      assert.equal(used('stop', { notebooks: new Map() }), 'in-use-other');
    });
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
