import assert from 'node:assert/strict';
import type { Claim } from '../../../src/repository/claim.ts';
import { moveDatabasesOn } from '../../../src/components/databases/paths.ts';
import { CharmError, orProblem } from '../../../src/errors.ts';
import { FakeJournal } from '../../fakes/journal.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { targetIn } from '../../rigs/target.ts';
import { rejectsWithCode } from '../../rejects-with-code.ts';

const model = { name: 'kubeflow', uuid: 'ours' };
const refusal = new CharmError('database-claimed', 'kfp-db refuses to write backups.');

/** What is known of paths, and what a settlement makes of it. */
const settled = async (known: {
  readonly claim?: Claim['generations'];
  readonly of?: Claim['model'];
  readonly handed?: string;
  readonly journal?: string;
  readonly written?: readonly string[];
  readonly refuses?: boolean;
}) => {
  const store = new FakeObjectStore();
  const { claim: generations, of = model } = known;
  if (generations)
    store.seed('ckf/ckf-backup.json', JSON.stringify({ format: 1, model: of, generations }));
  for (const place of known.written ?? []) store.seed(`ckf/${place}/group_replication_id.txt`, 'g');
  const journal = new FakeJournal();
  if (known.journal !== undefined) await journal.setDatabasePath('kfp-db', known.journal);
  const handed = new Map<string, string>();
  const problem = await orProblem(() =>
    moveDatabasesOn(
      {
        model,
        journal,
        handedPath: async () => known.handed,
        handPath: async (endpoint, path) => {
          handed.set(endpoint, path);
        },
      },
      {
        target: targetIn(store),
        handed: [
          {
            component: 'kfp-db',
            application: 'kfp-db',
            ...(known.refuses === true && { problem: refusal }),
          },
        ],
      },
    ),
  );
  const claim = store.objects.get('ckf/ckf-backup.json')?.bytes.toString();
  return {
    problem,
    path: handed.get('kfp-db'),
    journal: (await journal.databasePaths())['kfp-db'],
    generation: (JSON.parse(claim ?? '{}') as Partial<Claim>).generations?.['kfp-db'],
  };
};

describe('the paths of the databases', () => {
  it('are left alone when they are the ones that the claim tells of', async () => {
    for (const known of [
      { handed: 'ckf/kfp-db' },
      { claim: {}, handed: 'ckf/kfp-db' },
      { claim: { 'kfp-db': 2 }, handed: 'ckf/kfp-db-2' },
    ]) {
      const { problem, path } = await settled(known);
      assert.deepEqual([problem, path], [undefined, undefined]);
    }
  });

  it('are handed out as the claim says by a charm that was deployed again', async () => {
    for (const refuses of [true, false]) {
      const { problem, ...rest } = await settled({
        claim: { 'kfp-db': 3 },
        handed: 'ckf/kfp-db',
        refuses,
      });
      assert.equal(problem?.code, 'database-path-moved');
      assert.match(problem.message, /kfp-db to ckf\/kfp-db-3.*Run the action again in a minute/);
      assert.deepEqual(rest, { path: 'ckf/kfp-db-3', journal: 'ckf/kfp-db-3', generation: 3 });
    }
  });

  it('lie under the prefix that is configured now', async () => {
    const { path } = await settled({ claim: { 'kfp-db': 2 }, handed: 'elsewhere/kfp-db-7' });
    assert.equal(path, 'ckf/kfp-db-2');
  });

  it('move on when another cluster has written to the one that is right', async () => {
    const { problem, ...rest } = await settled({
      claim: { 'kfp-db': 3 },
      handed: 'ckf/kfp-db-3',
      refuses: true,
    });
    assert.equal(problem?.code, 'database-path-moved');
    assert.deepEqual(rest, { path: 'ckf/kfp-db-4', journal: 'ckf/kfp-db-4', generation: 4 });
  });

  it('never come back to one that was written to, although the claim is lost or behind', async () => {
    for (const known of [
      { written: ['kfp-db', 'kfp-db-6', 'katib-db-9', 'kfp-db-old'] },
      { claim: { 'kfp-db': 1 }, journal: 'ckf/kfp-db-6' },
    ]) {
      const { path } = await settled({ ...known, handed: 'ckf/kfp-db', refuses: true });
      assert.equal(path, 'ckf/kfp-db-7');
    }
  });

  it('are new ones when the path is taken over from another model', async () => {
    const { path, generation } = await settled({
      claim: { 'kfp-db': 3 },
      of: { name: 'old', uuid: 'theirs' },
      handed: 'ckf/kfp-db',
    });
    assert.deepEqual([path, generation], ['ckf/kfp-db-4', 4]);
  });

  it('are not ours to change for a database that was handed none', async () => {
    const { problem, path } = await settled({ claim: { 'kfp-db': 3 }, refuses: true });
    assert.equal(problem, refusal);
    assert.equal(path, undefined);
  });

  it('stay as they are while the claim cannot be read', async () => {
    const store = new FakeObjectStore();
    store.seed('ckf/ckf-backup.json', '{');
    const world = {
      model,
      journal: new FakeJournal(),
      handedPath: async () => 'ckf/kfp-db',
      handPath: () => assert.fail('handed out a path'),
    };
    const database = { component: 'kfp-db', application: 'kfp-db', problem: refusal };
    await rejectsWithCode(
      moveDatabasesOn(world, { target: targetIn(store), handed: [database] }),
      'prefix-claimed',
    );
  });
});
