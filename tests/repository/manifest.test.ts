import {
  parseManifest,
  readManifest,
  writeManifest,
} from '../../src/repository/stored-manifest.ts';
import assert from 'node:assert/strict';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { hasCode } from '../../src/errors.ts';
import { hostileManifests } from '../hostile/manifests.ts';
import { aManifest } from '../rigs/manifest.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';

const place = `ckf/sets/${aManifest().id}/manifest.json`;

describe('manifest', () => {
  it('comes back as it was written', async () => {
    const store = new FakeObjectStore();
    await writeManifest(store, place, aManifest());
    assert.deepEqual(await readManifest(store, place), aManifest());
  });

  it('is written once: a set is never changed', async () => {
    const store = new FakeObjectStore();
    await writeManifest(store, 'manifest.json', aManifest());
    await rejectsWithCode(
      writeManifest(store, 'manifest.json', aManifest({ consistent: false })),
      'object-exists',
    );
  });

  it('is written when the reply was lost and the same PUT is sent again', async () => {
    const store = new FakeObjectStore();
    await writeManifest(store, 'manifest.json', aManifest());
    await writeManifest(store, 'manifest.json', aManifest());
  });

  it('is not written when it does not fit its schema', async () => {
    const store = new FakeObjectStore();
    await assert.rejects(
      writeManifest(store, 'manifest.json', aManifest({ finished: 'yesterday' })),
      TypeError,
    );
    assert.equal(store.objects.size, 0);
  });

  it('tells a set that is not there from one that cannot be trusted', async () => {
    const store = new FakeObjectStore();
    await rejectsWithCode(readManifest(store, 'manifest.json'), 'backup-missing');
    store.seed('manifest.json', '{"format": 1, "id"');
    await rejectsWithCode(readManifest(store, 'manifest.json'), 'manifest-invalid');
    store.seed('manifest.json', JSON.stringify({ ...aManifest(), format: 2 }));
    await rejectsWithCode(readManifest(store, 'manifest.json'), 'manifest-invalid');
  });

  it('may have properties that a later charm added', () => {
    const later = JSON.stringify({ ...aManifest(), volumes: [] });
    assert.equal(parseManifest(later, place).id, aManifest().id);
  });

  for (const [name, manifest] of hostileManifests)
    it(`is refused when it names ${name}`, () => {
      assert.throws(
        () => parseManifest(JSON.stringify(manifest), place),
        (error) => {
          assert.ok(hasCode(error, 'manifest-invalid'));
          assert.ok(error.message.length <= 400, error.message);
          // eslint-disable-next-line no-control-regex -- this is what is looked for
          assert.doesNotMatch(error.message, /[\x00-\x1f]/);
          return true;
        },
      );
    });
});
