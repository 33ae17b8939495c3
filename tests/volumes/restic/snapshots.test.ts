import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { layoutOf } from '../../../src/repository/layout.ts';
import { repositoryPassword } from '../../../src/volumes/restic/keys.ts';
import { snapshotsOfSession } from '../../../src/volumes/restic/snapshots.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { newKey, newKeyFile, seal } from '../../fakes/restic-seal.ts';
import { rejectsWithCode } from '../../rejects-with-code.ts';
import { intercept } from '../../rigs/intercept.ts';
import { volumesKey } from '../../rigs/volume-world.ts';

const layout = layoutOf('ckf');
const place = layout.repository('alice');
const session = '20261121t030000z';

const hashOf = (content: string | Buffer): string =>
  createHash('sha256').update(content).digest('hex');

describe('the snapshots of a session', () => {
  const key = newKey();
  let store: FakeObjectStore;
  let now: Date;
  beforeEach(() => {
    now = new Date('2026-11-21T03:00:00Z');
    store = new FakeObjectStore({ now: () => now });
    const file = newKeyFile(key, repositoryPassword(volumesKey, 'alice'));
    store.seed(`${place}keys/${hashOf(file)}`, file);
    store.seed(`${place}config`, seal(key, '{"version":2}'));
  });

  /** As restic 0.19 writes them. */
  const fields = {
    ...{ time: '2026-11-21T03:00:09.123456789Z', tree: '9'.repeat(64), paths: ['/data'] },
    ...{ hostname: 'home', username: 'root', tags: [`session=${session}`] },
    program_version: 'restic 0.19.1',
    summary: { data_added: 354, total_files_processed: 1, total_bytes_processed: 3 },
  };
  const put = (content: string | Buffer, id = hashOf(content)): string => {
    store.seed(`${place}snapshots/${id}`, content);
    return id;
  };
  const snapshot = (changes: object = {}): string =>
    put(seal(key, JSON.stringify({ ...fields, ...changes })));
  const find = () =>
    snapshotsOfSession(
      { target: { store }, layout, access: { key: volumesKey }, session },
      'alice',
      new Set(['home', 'data']),
    );

  it('are the newest one of each claim, with what restic says of them', async () => {
    snapshot({ time: '2026-11-21T03:00:09.100Z' });
    const newest = snapshot({ time: '2026-11-21T05:00:09.2+02:00', tree: '8'.repeat(64) });
    snapshot({ time: '2026-11-21T02:59:59Z', tree: '7'.repeat(64) });
    const other = snapshot({ hostname: 'data', summary: undefined });
    const found = await find();
    assert.equal(found.get('home')?.id, newest);
    assert.deepEqual(found.get('data'), { id: other, files: 0, bytes: 0, added: 0 });
    const { files, bytes, added } = found.get('home') ?? {};
    assert.deepEqual([files, bytes, added], [1, 3, 354]);
  });

  it('are not those of others, and not what restic cannot read', async () => {
    snapshot({ tags: ['session=20261120t030000z'] });
    snapshot({ tags: undefined });
    snapshot({ hostname: 'another claim' });
    snapshot({ tree: 'of life' });
    put(seal(newKey(), JSON.stringify(fields)));
    put(seal(key, JSON.stringify({ ...fields, username: 'another name' })), 'a'.repeat(64));
    put(seal(key, JSON.stringify({ ...fields, description: 'long'.repeat(2 ** 18) })));
    put('junk');
    assert.deepEqual([...(await find())], []);
  });

  it('are found among very many of others, of which few are in memory, and none is older', async () => {
    now = new Date('2026-11-20T03:00:00Z');
    snapshot({ description: 'of a clock that is wrong by a day' });
    now = new Date('2026-11-21T03:00:00Z');
    store.seed(layout.volumeSession(session), '{}');
    for (let other = 0; other < 2500; other += 1) snapshot({ hostname: `other ${other}` });
    assert.deepEqual([...(await find())], []);
    // The clock of another server of this S3 is behind.
    now = new Date('2026-11-21T02:58:00Z');
    const id = snapshot();
    let reading = 0;
    let most = 0;
    const putBack = intercept(store, 'read', (read) => async (...given) => {
      most = Math.max(most, (reading += 1));
      const content = await read(...given);
      reading -= 1;
      return content;
    });
    assert.equal((await find()).get('home')?.id, id);
    putBack();
    assert.ok(most <= 16, `${most} at a time`);
  });

  it('are not known when nothing opens the repository; when there are none nothing has to', async () => {
    store.seed(`${place}config`, seal(newKey(), '{"version":2}'));
    assert.equal((await find()).size, 0);
    snapshot();
    const { message } = await rejectsWithCode(find(), 'volume-damaged');
    assert.match(message, /^None of the keys below ckf\/volumes\/repos\/alice\/keys\/ opens/);
    store.bucket.remove(`${place}config`);
    await rejectsWithCode(find(), 'volume-damaged');
  });
});
