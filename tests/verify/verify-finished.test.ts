import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import { verifySet } from '../../src/verify/verify-set.ts';
import type { World } from '../../src/world.ts';
import { createFakeJujuModel } from '../fakes/juju-model.ts';
import { aScaleWorld } from '../rigs/scale-world.ts';
import { createVault, layout, type Vault } from '../rigs/vault.ts';

describe('verifying with the databases in reach', () => {
  let vault: Vault;
  beforeEach(async () => {
    vault = await createVault();
  });
  afterEach(() => vault[Symbol.asyncDispose]());

  /** A world in which kfp-db lists its backups like this. */
  const worldWith = (rows: string, changes: Partial<World> = {}): World => {
    const { model } = aScaleWorld();
    for (const name of ['kfp-db', 'katib-db'])
      model.addApplication({
        name,
        charm: 'mysql-k8s',
        units: 1,
        actions: {
          'list-backups': async () =>
            rows === 'refused'
              ? { results: {}, failed: 'Missing relation with S3 integrator charm' }
              : { results: { backups: `backup-id | backup-type | backup-status\n---\n${rows}` } },
        },
      });
    return {
      ...vault.world,
      openJuju: async () => createFakeJujuModel(model),
      handedPath: async (endpoint) => layout.databasePath(endpoint, 1),
      ...changes,
    };
  };
  const verify = async (world: World, id: Awaited<ReturnType<Vault['backUp']>>) => {
    vault.progress.notes.length = 0;
    const { first } = await verifySet(world, { transfers: 4, copyProcesses: 1 }, vault.target, {
      id,
      deep: false,
    });
    return { first, notes: vault.progress.notes };
  };

  it('finds a set intact when both databases say that their backups are finished', async () => {
    const id = await vault.backUp();
    assert.deepEqual(await verify(worldWith(`${id} | physical | finished`), id), {
      first: [],
      notes: [],
    });
  });

  for (const [rows, listed] of [
    ['ID | physical | failed', 'failed'],
    ['ID | physical | in progress', 'in progress'],
    ['2020-01-01T00:00:00Z | physical | finished', 'nothing it knows'],
  ] as const) {
    it(`tells of a backup that its database lists as ${listed}`, async () => {
      const id = await vault.backUp();
      const { first } = await verify(worldWith(rows.replace('ID', id)), id);
      assert.deepEqual(first, [
        `kfp-db: kfp-db lists its backup ${id} as ${listed} instead of finished`,
        `katib-db: katib-db lists its backup ${id} as ${listed} instead of finished`,
      ]);
    });
  }

  it('does not ask a database that writes to another path by now', async () => {
    const id = await vault.backUp();
    const handedPath = async (endpoint: string) => layout.databasePath(endpoint, 2);
    const { first, notes } = await verify(worldWith('', { handedPath }), id);
    assert.deepEqual(first, []);
    assert.match(notes[0] ?? '', /kfp-db: not asked, because it does not write to ckf\/kfp-db now/);
  });

  it('does not take what cannot be asked for damage', async () => {
    const id = await vault.backUp();
    const cases: [World, RegExp][] = [
      [worldWith('refused'), /could not list its backups: Missing relation/],
      [worldWith('', { model: { name: 'new', uuid: 'new' } }), /made by the model kubeflow/],
      [worldWith('', { handedPath: async () => undefined }), /not asked/],
      [
        worldWith('', {
          openJuju: async () => {
            throw new CharmError('juju-unreachable', 'away');
          },
        }),
        /not asked: away/,
      ],
      [
        worldWith('', { openJuju: async () => createFakeJujuModel(aScaleWorld().model) }),
        /no unit in this model/,
      ],
    ];
    for (const [world, said] of cases) {
      const { first, notes } = await verify(world, id);
      assert.deepEqual(first, []);
      assert.match(notes[0] ?? '', said);
    }
  });
});
