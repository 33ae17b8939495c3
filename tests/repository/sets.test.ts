import assert from 'node:assert/strict';
import { backupIdAt, layoutOf } from '../../src/repository/layout.ts';
import { CharmError } from '../../src/errors.ts';
import { listSets } from '../../src/repository/sets.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { aManifest } from '../rigs/manifest.ts';

const layout = layoutOf('ckf');
const idAt = (hour: number) => backupIdAt(new Date(Date.UTC(2026, 0, 1, hour)));

/** A prefix with a set for each hour, and a store that counts what is read of it. */
const prefixWith = (hours: number) => {
  let reads = 0;
  const store = new (class extends FakeObjectStore {
    override async read(key: string): Promise<Buffer> {
      reads += 1;
      return super.read(key);
    }
  })();
  for (let hour = 0; hour < hours; hour += 1) {
    const id = idAt(hour);
    store.seed(layout.objectList(id, 'mlpipeline'), 'list');
    store.seed(layout.manifest(id), JSON.stringify(aManifest({ id })));
  }
  const target = {
    store,
    bucket: 'backups',
    endpoint: 'http://s3.test',
    prefix: 'ckf',
    application: 'ckf-backup',
  };
  return { store, target, reads: () => reads };
};

describe('listSets', () => {
  it('lists the newest sets first', async () => {
    const { target } = prefixWith(3);
    const page = await listSets(target, { limit: 20 });
    assert.deepEqual(
      page.sets.map(({ id }) => id),
      [idAt(2), idAt(1), idAt(0)],
    );
    assert.equal(page.next, undefined);
  });

  it('lists nothing under a path without sets', async () => {
    const { target } = prefixWith(0);
    assert.deepEqual(await listSets(target, { limit: 20 }), { sets: [], next: undefined });
  });

  it('reads no manifest that is not shown', async () => {
    const { target, reads } = prefixWith(3000);
    const page = await listSets(target, { limit: 5 });
    assert.equal(page.sets.length, 5);
    assert.equal(reads(), 5);
  });

  it('walks through all sets page by page', async () => {
    const { target } = prefixWith(45);
    const seen: string[] = [];
    let page = await listSets(target, { limit: 20 });
    for (;;) {
      seen.push(...page.sets.map(({ id }) => id));
      if (page.next === undefined) break;
      page = await listSets(target, { limit: 20, before: page.next });
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 45 }, (_, hour) => idAt(44 - hour)),
    );
  });

  it('does not list what has no manifest, and shows as many sets as were asked for', async () => {
    const { store, target } = prefixWith(10);
    for (const hour of [9, 8, 6]) store.bucket.remove(layout.manifest(idAt(hour)));
    const page = await listSets(target, { limit: 3 });
    assert.deepEqual(
      page.sets.map(({ id }) => id),
      [idAt(7), idAt(5), idAt(4)],
    );
  });

  it('takes no notice of what else lies among the sets', async () => {
    const { store, target } = prefixWith(1);
    store.seed(`${layout.sets}notes/manifest.json`, 'mine');
    store.seed(`${layout.sets}readme.txt`, 'mine');
    assert.equal((await listSets(target, { limit: 20 })).sets.length, 1);
  });

  it('shows a manifest that cannot be read as such', async () => {
    const { store, target } = prefixWith(3);
    store.seed(layout.manifest(idAt(1)), '{"format": 1');
    const { sets } = await listSets(target, { limit: 20 });
    assert.equal(sets.length, 3);
    assert.equal(sets[1]?.problem?.code, 'manifest-invalid');
    assert.match(
      sets[1].problem.message,
      /juju run ckf-backup\/leader delete-backup backup-id=2026-[^ ]+$/,
    );
  });

  it('shows a manifest that belongs to another set as such', async () => {
    const { store, target } = prefixWith(2);
    store.seed(layout.manifest(idAt(1)), JSON.stringify(aManifest({ id: idAt(0) })));
    const { sets } = await listSets(target, { limit: 20 });
    assert.match(sets[0]?.problem?.message ?? '', /another set/);
  });

  it('shows a manifest that S3 refuses to give as such', async () => {
    const { store, target } = prefixWith(2);
    store.failNext('read', new CharmError('store-denied', 'no'));
    const { sets } = await listSets(target, { limit: 20 });
    assert.deepEqual(
      sets.map(({ problem }) => problem?.code),
      ['store-denied', undefined],
    );
  });

  it('fails when the sets themselves cannot be listed', async () => {
    const { store, target } = prefixWith(2);
    store.failNext('listPrefixes', new CharmError('store-unreachable', 'gone'));
    await assert.rejects(listSets(target, { limit: 20 }), { code: 'store-unreachable' });
  });
});
