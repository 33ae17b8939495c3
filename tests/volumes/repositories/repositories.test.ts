import assert from 'node:assert/strict';
import { layoutOf } from '../../../src/repository/layout.ts';
import { keyFingerprint } from '../../../src/volumes/restic/keys.ts';
import { existingRepository } from '../../../src/volumes/repositories/repositories.ts';
import { createHash } from 'node:crypto';
import { FakeClock } from '../../fakes/clock.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { FakeProgress } from '../../fakes/progress.ts';
import { rejectsWithCode } from '../../rejects-with-code.ts';
import { aConfig } from '../../rigs/config.ts';
import { targetIn } from '../../rigs/target.ts';

const key = 'k'.repeat(32);
const ownedBy = (owner: string): string => createHash('sha256').update(owner).digest('hex');

const aRecord = {
  name: 'alice',
  namespace: 'alice',
  namespaceUid: 'uid-1',
  owner: ownedBy('alice@example.com'),
  key: keyFingerprint(key),
  created: '2026-11-21T03:00:00.000Z',
};

const find = async (
  records: readonly (typeof aRecord)[],
  namespace: { readonly name?: string; readonly uid?: string; readonly owner?: string },
  withKey = key,
) => {
  const store = new FakeObjectStore();
  const target = targetIn(store);
  const layout = layoutOf(target.prefix);
  for (const record of records)
    await store.put(layout.volumeRepository(record.name), JSON.stringify(record));
  const away = (): never => {
    throw new Error('no cluster is asked');
  };
  return existingRepository(
    {
      ...{ target, layout, config: aConfig().volumes },
      access: {
        key: withKey,
        storage: {
          ...{ endpoint: '', region: undefined, style: 'path', bucket: '', prefix: '' },
          ...{ accessKey: '', secretKey: '', ca: '' },
        },
        cluster: {
          ...{ namespace: 'kubeflow', read: away, list: away, create: away, patch: away },
          ...{ remove: away, log: away, [Symbol.asyncDispose]: async () => undefined },
        },
        [Symbol.asyncDispose]: async () => undefined,
      },
      world: {
        clock: new FakeClock(),
        progress: new FakeProgress(),
        signal: new AbortController().signal,
        application: 'ckf-backup',
      },
    },
    {
      ...{ namespace: '', name: namespace.name ?? 'alice', uid: namespace.uid ?? 'uid-1' },
      ...{ labels: {}, owners: [], deleting: false, fields: {} },
      annotations: { owner: namespace.owner ?? 'alice@example.com' },
    },
  );
};

describe('the repository of a namespace', () => {
  it('is found again, also after the cluster was built anew for the same owner', async () => {
    assert.equal((await find([aRecord], {}))?.name, 'alice');
    assert.equal((await find([aRecord], { uid: 'uid-2' }))?.name, 'alice');
    assert.equal(await find([], {}), undefined);
  });

  it('is not that of a former owner of the name', async () => {
    const other = { uid: 'uid-2', owner: 'mallory@example.com' };
    assert.equal(await find([aRecord], other), undefined);
    const second = {
      ...{ ...aRecord, name: 'alice-2', namespaceUid: 'uid-2' },
      owner: ownedBy('mallory@example.com'),
    };
    assert.equal((await find([aRecord, second], other))?.name, 'alice-2');
    assert.equal((await find([aRecord, second], {}))?.name, 'alice');
  });

  it('is not that of another namespace whose name looks like it', async () => {
    const second = { ...aRecord, name: 'alice-2', namespaceUid: 'uid-2' };
    assert.equal(await find([second], { name: 'alice-2', uid: 'uid-2' }), undefined);
  });

  it('is refused with another key, and with a record that cannot be read', async () => {
    const { message } = await rejectsWithCode(
      find([aRecord], {}, 'x'.repeat(32)),
      'volumes-key-changed',
    );
    assert.match(message, new RegExp(keyFingerprint(key)));
    await rejectsWithCode(find([{ ...aRecord, owner: '' }], {}), 'store-corrupt');
  });
});
