import assert from 'node:assert/strict';
import { fieldsOf } from '../../src/ports/fields.ts';
import type { Fields } from '../../src/world.ts';
import { fieldsIn } from '../../src/volumes/claims/claims.ts';
import { identityOf } from '../../src/volumes/claims/identity.ts';
import { type TrustedPod, gatewayPod, repositoryPod } from '../../src/volumes/pods/trusted-pods.ts';
import { type JobWish, userJob } from '../../src/volumes/pods/user-job.ts';
import { aConfig } from '../rigs/config.ts';

const storage = {
  endpoint: 'https://s3.example.com',
  region: 'eu-central-1',
  style: 'path',
  bucket: 'backups',
  prefix: 'kubeflow',
  accessKey: 'an-access-key',
  secretKey: 'a-secret-key',
  ca: '-----BEGIN CERTIFICATE-----',
} as const;

const about = {
  ...{ namespace: 'kubeflow', session: '20261121t030000z', repository: 'alice', storage },
  config: aConfig().volumes,
};

const wish: JobWish = {
  role: 'backup',
  model: 'kubeflow',
  session: '20261121t030000z',
  claim: { namespace: 'alice', name: 'lab-workspace', accessModes: ['ReadWriteOnce'] },
  user: {
    pod: 'lab-0',
    node: 'node-7',
    tolerations: [{ key: 'gpu', operator: 'Exists' }],
    ...{ pods: [], identity: { uid: 1001, gid: 101, group: 102 } },
  },
  identity: undefined,
  repository: 'alice',
  command: ['backup', '.'],
  address: '10.1.2.3',
  gatewayPassword: 'gate',
  repositoryPassword: 'repo',
  config: aConfig().volumes,
};

const podOf = (some: Partial<JobWish> = {}) => {
  const spec = fieldsOf(userJob({ ...wish, ...some }).job['spec']);
  return fieldsOf(fieldsOf(spec['template'])['spec']);
};
const containerOf = (spec: ReturnType<typeof podOf>) =>
  fieldsOf(Array.isArray(spec['containers']) ? spec['containers'][0] : undefined);

describe('what runs next to a volume', () => {
  it('goes to the node that has the volume, with the tolerations of the pod there', () => {
    const spec = podOf();
    assert.match(JSON.stringify(spec['affinity']), /"metadata.name".*"node-7"/);
    assert.deepEqual(spec['tolerations'], wish.user?.tolerations);
    assert.equal(podOf({ user: undefined })['affinity'], undefined);
    const shared = { ...wish.claim, accessModes: ['ReadWriteMany'] };
    assert.equal(podOf({ claim: shared })['affinity'], undefined);
  });

  it('is let in by the pod security restricted when it runs as the user of the notebook', () => {
    const asNotebook = { ...wish.config, runAs: 'notebook' } as const;
    for (const role of ['backup', 'restore'] as const) {
      const spec = podOf({ config: asNotebook, role, identity: wish.user?.identity });
      assert.deepEqual(spec['securityContext'], {
        ...{ runAsNonRoot: true, runAsUser: 1001, runAsGroup: 101, supplementalGroups: [102] },
        seccompProfile: { type: 'RuntimeDefault' },
      });
      assert.deepEqual(containerOf(spec)['securityContext'], {
        ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
        capabilities: { drop: ['ALL'] },
      });
    }
    assert.partialDeepStrictEqual(podOf({ config: asNotebook })['securityContext'], {
      ...{ runAsUser: 1000, runAsGroup: 100 },
    });
  });

  it('is never root, whatever the pod says', () => {
    const container = { name: 'lab', image: 'jupyter' };
    assert.deepEqual(identityOf({ containers: [container], securityContext: { fsGroup: 100 } }), {
      ...{ uid: 1000, gid: 100, group: 100 },
    });
    assert.deepEqual(
      identityOf({
        containers: [{ ...container, securityContext: { runAsUser: 5, runAsGroup: 6 } }],
        securityContext: { runAsUser: 7, runAsGroup: 8, fsGroup: 9 },
      }),
      { uid: 5, gid: 6, group: 9 },
    );
    const root = { containers: [container], securityContext: { runAsUser: 0, runAsGroup: 0 } };
    assert.deepEqual(identityOf(root), { uid: 1000, gid: 100, group: undefined });
  });

  it('may read everything, and gives files away only in a restore', () => {
    const allowed = (some: Partial<JobWish>) =>
      fieldsOf(fieldsOf(containerOf(podOf(some))['securityContext'])['capabilities']);
    assert.deepEqual(allowed({}), { drop: ['ALL'], add: ['DAC_OVERRIDE'] });
    assert.deepEqual(allowed({ role: 'restore' })['add'], [
      'CHOWN',
      'DAC_OVERRIDE',
      'FOWNER',
      'FSETID',
    ]);
    const mount = (role: JobWish['role']) =>
      JSON.stringify(containerOf(podOf({ role }))['volumeMounts']);
    assert.match(mount('backup'), /"mountPath":"\/data","readOnly":true/);
    assert.match(mount('restore'), /"mountPath":"\/data","readOnly":false/);
  });

  it('needs no access to Kubernetes, no mesh, and never changes the group of files', () => {
    const spec = podOf();
    assert.equal(spec['automountServiceAccountToken'], false);
    assert.equal(fieldsOf(spec['securityContext'])['fsGroup'], undefined);
    assert.match(JSON.stringify(userJob(wish).job), /"sidecar.istio.io\/inject":"false"/);
  });

  it('names its resources, so that a quota lets it in', () => {
    const { requests, limits } = fieldsOf(containerOf(podOf())['resources']);
    assert.deepEqual(Object.keys(fieldsOf(requests)), ['cpu', 'memory']);
    assert.deepEqual(Object.keys(fieldsOf(limits)), ['cpu', 'memory']);
  });

  it('may use the memory of volumes-memory, of which Go leaves an eighth', () => {
    const limitsOf = ({ resources, env }: Fields) => [
      fieldsOf(fieldsOf(resources)['limits'])['memory'],
      fieldsIn(env).find(({ name }) => name === 'GOMEMLIMIT')?.['value'],
    ];
    assert.deepEqual(limitsOf(containerOf(podOf())), ['1Gi', '896MiB']);
    const config = { ...wish.config, memory: '2500Mi' };
    assert.deepEqual(limitsOf(containerOf(podOf({ config }))), ['2500Mi', '2187MiB']);
    const { pod } = repositoryPod({ ...about, config }, { task: 'check', command: ['check'] }, 'x');
    const containers = fieldsIn(fieldsOf(pod['spec'])['containers']);
    assert.deepEqual(limitsOf(containers.find(({ name }) => name === 'restic') ?? {}), [
      '2500Mi',
      '2187MiB',
    ]);
  });

  it('has a cache that grows with the memory', () => {
    const cacheOf = (spec: Fields) =>
      fieldsIn(spec['volumes']).flatMap(({ emptyDir }) => fieldsOf(emptyDir)['sizeLimit'] ?? []);
    assert.deepEqual(cacheOf(podOf()), ['2048Mi']);
    const config = { ...wish.config, memory: '2500Mi' };
    assert.deepEqual(cacheOf(podOf({ config })), ['5000Mi']);
    const test = { task: 'restore', command: ['restore'], room: 100 * 2 ** 20 };
    const { pod } = repositoryPod({ ...about, config }, test, 'x');
    assert.deepEqual(cacheOf(fieldsOf(pod['spec'])), ['5110Mi']);
  });

  it('waits for its Secret, which goes with it, and holds no password itself', () => {
    const { job, secret } = userJob(wish);
    assert.equal(fieldsOf(job['spec'])['suspend'], true);
    assert.doesNotMatch(JSON.stringify(job), /"(gate|repo)"/);
    assert.match(JSON.stringify(secret('uid-9').metadata), /"kind":"Job".*"uid":"uid-9"/);
    assert.equal(secret('uid-9').metadata.name, job.metadata.name);
  });

  it('finds a gateway that has an address of IPv6', () => {
    const text = JSON.stringify(podOf({ address: 'fd00::5' }));
    assert.match(text, /rest:http:\/\/\[fd00::5\]:8080\//);
  });
});

describe('what runs in the model', () => {
  const pods: Readonly<Record<string, TrustedPod>> = {
    gateway: gatewayPod(about, 'gate'),
    repository: repositoryPod(about, { task: 'check', command: ['check'] }, 'repo'),
  };

  it('has every key in a Secret, and none in a manifest', () => {
    for (const { pod, secret } of Object.values(pods)) {
      assert.doesNotMatch(JSON.stringify(pod), /a-secret-key|an-access-key|"gate"|"repo"/);
      assert.match(JSON.stringify(secret), /a-secret-key/);
      assert.equal(secret.metadata.namespace, 'kubeflow');
    }
  });

  it('is a gateway of one repository that only adds, or one that only its own pod reaches', () => {
    const [gateway, repository] = [pods['gateway'], pods['repository']].map((one) =>
      JSON.stringify(one?.pod),
    );
    assert.match(
      gateway ?? '',
      /"--append-only","--addr",":8080",":s3:backups\/kubeflow\/volumes\/repos\/alice\/"/,
    );
    assert.match(repository ?? '', /"--addr","127.0.0.1:8080"/);
    assert.doesNotMatch(repository ?? '', /append-only/);
  });

  it('fits the pod security "restricted"', () => {
    for (const { pod } of Object.values(pods)) {
      const spec = fieldsOf(pod['spec']);
      assert.equal(fieldsOf(spec['securityContext'])['runAsNonRoot'], true);
      for (const container of Array.isArray(spec['containers']) ? spec['containers'] : [])
        assert.deepEqual(fieldsOf(container)['securityContext'], {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
    }
  });
});
