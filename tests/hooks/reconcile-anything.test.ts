import assert from 'node:assert/strict';
import fc from 'fast-check';
import { visibleCharacters } from '../../src/hooks/status-text.ts';
import { readJujuCredentials } from '../../src/config/juju-credentials.ts';
import { type Charm, handle } from '../../src/charm.ts';
import type { World } from '../../src/world.ts';
import { anyDatabag, anyOptions, anySecret, notForOperators } from '../rigs/any-state.ts';
import { s3Secret, userSecret } from '../dispatch/world-of-relations.ts';
import { unitRig } from '../rigs/unit.ts';

const hooks = [
  ...['config-changed', 'update-status', 'secret-changed', 'leader-elected', 'upgrade-charm'],
  ...['s3-credentials-relation-changed', 's3-credentials-relation-broken'],
  ...['kfp-db-relation-changed', 'kfp-db-relation-broken', 'object-storage-relation-changed'],
];

const ids = { 's3-credentials': 4, 'object-storage': 5, 'kfp-db': 7 };

describe('the charm that meets anything', () => {
  it('ends a hook well with a sensible status, whatever databags, secrets and options hold', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          ...{ s3: anyDatabag, minio: anyDatabag, database: anyDatabag, ours: anyDatabag },
          ...{ options: anyOptions, login: anySecret, keys: anySecret },
          hook: fc.constantFrom(...hooks),
          leader: fc.boolean(),
          granted: fc.boolean(),
          trusted: fc.constantFrom(true, false, undefined),
        }),
        async ({ s3, minio, database, ours, options, login, keys, hook, leader, ...given }) => {
          const rig = unitRig();
          const { tools, unit } = rig;
          const relate = (id: string, application: string, remote: Record<string, string>): void =>
            void tools.relations.set(id, { application, remote, ours: { ...ours } });
          relate('s3-credentials:4', 's3-integrator', s3);
          relate('object-storage:5', 'minio', minio);
          relate('kfp-db:7', 'kfp-db', database);
          const { granted, trusted } = given;
          tools.secrets.set(`secret:${s3Secret}`, { content: keys, granted, grants: [] });
          tools.secrets.set(`secret:${userSecret}`, { content: login, granted, grants: [] });
          const credentials = options['juju-credentials'] ?? `secret:${userSecret}`;
          Object.assign(tools, {
            options: { ...options, 'juju-credentials': credentials },
            ...{ leader, trusted },
          });
          const charm: Charm = {
            ...unit,
            unitName: 'ckf-backup/0',
            openWorld: async (config) => {
              await readJujuCredentials(tools, config, 'ckf-backup', 'kubeflow');
              const world: Partial<World> = await unit.openWorld(config);
              return world as World;
            },
          };
          const endpoint = Object.keys(ids).find((name) => hook.startsWith(name));
          const relationId = endpoint && `${endpoint}:${ids[endpoint as keyof typeof ids]}`;
          const event = { kind: 'hook', name: hook, relationId } as const;
          await handle(event, charm);

          assert.ok(['active', 'blocked', 'waiting'].includes(tools.status.name));
          const { message } = tools.status;
          assert.doesNotMatch(withoutQuotes(message), notForOperators);
          // Nothing of the essential is cut off by juju status.
          if (tools.status.name !== 'active')
            assert.match(
              message.slice(0, visibleCharacters + 3),
              /^[^|]+ \[[a-z-]+\]( \(and \d+ more\))?: juju [^|]* \| /,
            );
          const ourSide = (id: string) => tools.relations.get(id)?.ours;
          if (!leader) {
            assert.equal(tools.applicationStatus, undefined);
            for (const id of tools.relations.keys()) assert.deepEqual(ourSide(id), { ...ours });
          } else {
            assert.deepEqual(tools.applicationStatus, tools.status);
            if (!hook.startsWith('object'))
              assert.equal(ourSide('object-storage:5')?.['_supported_versions'], '- v1\n');
          }
          // Once more: what was written is what was wanted.
          const written = JSON.stringify([...tools.relations]);
          await handle(event, charm);
          assert.equal(JSON.stringify([...tools.relations]), written);
        },
      ),
      { numRuns: 400 },
    );
  });
});

/** Values of others are quoted in messages, and may be any text. */
const withoutQuotes = (message: string): string => message.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
