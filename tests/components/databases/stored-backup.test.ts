import assert from 'node:assert/strict';
import { copyBackup, statusOfBackup } from '../../../src/components/databases/stored-backup.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { rejectsWithCode } from '../../rejects-with-code.ts';

const id = '2026-11-21T20:16:02Z';

/** A server that says that it copied the data, and did not, or only some of it. */
class LyingStore extends FakeObjectStore {
  readonly #copyOf: (bytes: Buffer) => Buffer | undefined;

  constructor(copyOf: (bytes: Buffer) => Buffer | undefined) {
    super();
    this.#copyOf = copyOf;
    for (const name of [`${id}.backup.log`, `${id}.md5`, `${id}.metadata`, `${id}/data.0`])
      this.seed(`ckf/kfp-db/${name}`, `content of ${name}`);
  }

  override async copy(from: string, to: string): Promise<void> {
    const { bytes } = this.bucket.get(from);
    const copied = from.endsWith('data.0') ? this.#copyOf(bytes) : bytes;
    if (copied !== undefined) this.seed(to, copied);
  }
}

const copy = { databaseBackupId: id, from: 'ckf/kfp-db', to: 'ckf/kfp-db-2', transfers: 4 };

describe('what list-backups says of a backup', () => {
  const row = `${id}  | physical     | finished`;
  const heading = 'backup-id             | backup-type  | backup-status';
  const line = '-'.repeat(54);
  for (const [what, table, status] of [
    ['as mysql-k8s writes it', [heading, line, row], 'finished'],
    ['with a capital', [heading, line, row.replace('f', 'F')], 'finished'],
    [
      'with lines before the heading',
      ['Storage bucket name: b', '', heading, line, row],
      'finished',
    ],
    [
      'with more columns in another order',
      ['backup-id | backup-status | type', line, `${id} | failed | full`, 'T1 | finished | pitr'],
      'failed',
    ],
    ['of others only', [heading, line, row.replace('2026', '2025')], undefined],
    ['in no table', [`${id} is finished`], undefined],
  ] as const)
    it(`is read ${what}`, () => {
      assert.equal(statusOfBackup(table.join('\n'), id), status);
    });

  it('is nothing when there is no text', () => {
    assert.equal(statusOfBackup(undefined, id), undefined);
  });
});

describe('a backup of a database that is copied to another path', () => {
  it('is whole there, and its mark comes last', async () => {
    const store = new LyingStore((bytes) => bytes);
    await copyBackup(store, copy);
    assert.ok(store.objects.has(`ckf/kfp-db-2/${id}.md5`));
  });

  for (const [what, copyOf] of [
    ['is not there', () => undefined],
    ['has 0 bytes instead of', () => Buffer.alloc(0)],
  ] as const)
    it(`is never taken for whole when a copy that the server says it made ${what}`, async () => {
      const store = new LyingStore(copyOf);
      const { message } = await rejectsWithCode(copyBackup(store, copy), 'store-corrupt');
      assert.ok(message.includes(what), message);
      assert.ok(!store.objects.has(`ckf/kfp-db-2/${id}.md5`));
    });
});
