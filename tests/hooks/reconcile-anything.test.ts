import assert from 'node:assert/strict';
import fc from 'fast-check';
import { setUp } from './unit-rig.ts';

describe('a hook that meets anything', () => {
  it('ends well with a status of ours, whatever the databags and options hold', async () => {
    const text = fc.oneof(fc.string(), fc.json(), fc.constantFrom('secret:x', '["secret-key"]'));
    const keys = fc.constantFrom(
      ...[
        'bucket',
        'path',
        'endpoint',
        'region',
        'access-key',
        'secret-key',
        'secret-extra',
        'version',
      ],
      ...[
        'tls-ca-chain',
        'attributes',
        'requested-secrets',
        'data',
        '_supported_versions',
        'lib-version',
      ],
    );
    const databag = fc.dictionary(keys, text);
    const options = fc.dictionary(
      fc.constantFrom('bucket', 'path', 'components', 'bandwidth-limit', 'transfers'),
      fc.oneof(text, fc.integer()),
    );
    const hooks = fc.constantFrom('config-changed', 'update-status', 'kfp-db-relation-changed');
    await fc.assert(
      fc.asyncProperty(
        ...[databag, databag, databag, databag, options, hooks, fc.boolean()],
        async (s3, minio, database, ours, given, name, leader) => {
          const rig = setUp();
          const relate = (id: string, application: string, remote: Record<string, string>): void =>
            void rig.tools.relations.set(id, { application, remote, ours: { ...ours } });
          relate('s3-credentials:4', 's3-integrator', s3);
          relate('object-storage:5', 'minio', minio);
          relate('kfp-db:7', 'kfp-db', database);
          Object.assign(rig.tools, { options: given, leader });
          await rig.run(name);
          assert.ok(['active', 'blocked', 'waiting'].includes(rig.tools.status.name));
          assert.doesNotMatch(rig.tools.status.message, /\n +at |TypeError|undefined/);
          const written = rig.tools.relations.get('object-storage:5')?.ours ?? {};
          if (leader) assert.equal(written['_supported_versions'], '- v1\n');
          if (!leader) assert.deepEqual(rig.tools.relations.get('kfp-db:7')?.ours, { ...ours });
        },
      ),
    );
  });
});
