import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { BackupId } from '../../src/repository/layout.ts';
import { readSet } from '../../src/repository/sets.ts';
import { signManifest } from '../../src/repository/signature.ts';
import { signingKeys } from '../rigs/signing-keys.ts';
import { CharmError } from '../../src/errors.ts';
import { verifySet } from '../../src/verify/verify-set.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { createVault, layout, type Vault } from '../rigs/vault.ts';
import { md5Of } from '../../src/ports/etags.ts';
import { intercept } from '../rigs/intercept.ts';

const mirror = layout.mirror('mlpipeline');
const history = layout.history('mlpipeline');
const MiB = 2 ** 20;
const inParts = randomBytes(5 * MiB + 9);

/** Stores an object in parts of 5 MiB, as a client of MinIO would have. */
const seedParts = ({ source }: Vault, key: string): void => {
  const parts = [inParts.subarray(0, 5 * MiB), inParts.subarray(5 * MiB)];
  source.bucket.store(key, inParts, {}, parts.map(md5Of));
};

describe('verifySet', () => {
  let vault: Vault;
  let old: BackupId;
  let newest: BackupId;

  beforeEach(async () => {
    vault = await createVault();
    const { source } = vault;
    for (const key of ['a', 'a b', 'a/b', 'empty', '\u{1f600}', '\uffee'])
      source.seed(key, key === 'empty' ? '' : `first ${key}`);
    old = await vault.backUp();
    for (const key of ['a', 'a b', 'a/b', '\u{1f600}']) source.seed(key, `second ${key}`);
    newest = await vault.backUp();
  });
  afterEach(() => vault[Symbol.asyncDispose]());

  const verify = (id: BackupId, deep = false) =>
    verifySet(vault.world, { transfers: 4, copyProcesses: 1 }, vault.target, {
      id,
      deep,
    });
  it('refuses a set whose signature is missing or wrong once there is a key to check it with', async () => {
    const keys = signingKeys();
    const world = { ...vault.world, openSigningKeys: async () => keys };
    const verifySigned = (allowUnsigned = false) =>
      verifySet(world, { transfers: 4, copyProcesses: 1 }, vault.target, {
        id: newest,
        deep: false,
        allowUnsigned,
      });
    await rejectsWithCode(verifySigned(), 'signature-invalid');
    assert.equal((await verifySigned(true)).damages, 0);
    const key = layout.manifest(newest);
    const manifest = await readSet(vault.target, newest);
    await vault.target.store.put(key, JSON.stringify(signManifest(manifest, keys)));
    assert.equal((await verifySigned()).damages, 0);
    const other = { ...signManifest(manifest, keys), started: '2026-11-20T00:00:00Z' };
    await vault.target.store.put(key, JSON.stringify(other));
    await rejectsWithCode(verifySigned(), 'signature-invalid');
  });

  const replaced = `${history}a/${md5Of(Buffer.from('first a'))}`;

  for (const deep of [false, true]) {
    describe(deep ? 'deep' : 'shallow', () => {
      it('finds every set intact, whether its objects lie in the mirror or in the history', async () => {
        for (const id of [old, newest]) {
          const { damages, first, objects } = await verify(id, deep);
          assert.deepEqual(first, []);
          assert.equal(damages, 0);
          assert.equal(objects, 6 + 1 + 2 * 5);
        }
      });

      it('changes nothing', async () => {
        const before = vault.store.objects;
        await verify(old, deep);
        assert.deepEqual(vault.store.objects, before);
      });

      it('goes without the databases, when Juju cannot be reached', async () => {
        await verify(old, deep);
        assert.ok(
          vault.progress.notes.some((note) => note.startsWith('The databases were not asked')),
        );
      });
    });
  }

  it('reads all that there is in a deep verification, and proves it by checksums', async () => {
    seedParts(vault, 'in parts');
    const { proven, unproven, bytes } = await verify(await vault.backUp(), true);
    assert.equal(unproven, 0);
    assert.equal(proven, 7 + 1 + 2 * 5);
    assert.ok(bytes > 5 * MiB);
  });

  /** Each damage, what is said of it, and whether it takes a deep verification to see it. */
  const damage: Record<
    string,
    { readonly spoil: () => void; said: RegExp; deep?: boolean; id?: 'old' }
  > = {
    'an object of the mirror is missing': {
      spoil: () => {
        vault.store.bucket.remove(`${mirror}a b`);
      },
      said: /mlpipeline: "a b" is missing/,
    },
    'an object of the mirror was replaced': {
      spoil: () => vault.store.seed(`${mirror}a b`, 'SECOND a b'),
      said: /mlpipeline: "a b" was replaced \(its ETag is \w+ instead of \w+\)/,
    },
    'an object of the mirror was cut short': {
      spoil: () => vault.store.seed(`${mirror}a b`, 'sec'),
      said: /mlpipeline: "a b" was replaced \(it has 3 bytes instead of 10\)/,
    },
    'a version of the history is missing': {
      spoil: () => {
        vault.store.bucket.remove(replaced);
      },
      said: /mlpipeline: "a" was replaced/,
      id: 'old',
    },
    'a version of the history was cut short': {
      spoil: () => vault.store.seed(replaced, 'fir'),
      said: /mlpipeline: "a" has 3 bytes instead of 7/,
      id: 'old',
    },
    'a version of the history was replaced': {
      spoil: () => vault.store.seed(replaced, 'FIRST a'),
      said: /mlpipeline: "a" was replaced in the history/,
      id: 'old',
    },
    'the object list is missing': {
      spoil: () => {
        vault.store.bucket.remove(layout.objectList(newest, 'mlpipeline'));
      },
      said: /object list .* is missing/,
    },
    'the object list is cut short': {
      spoil: () => {
        const { key, bytes } = vault.store.bucket.get(layout.objectList(newest, 'mlpipeline'));
        vault.store.seed(key, bytes.subarray(0, 60));
      },
      said: /object list .* cannot be read/,
    },
    'the object list is that of another set': {
      spoil: () => {
        const { bytes } = vault.store.bucket.get(layout.objectList(old, 'mlpipeline'));
        vault.store.seed(layout.objectList(newest, 'mlpipeline'), bytes);
      },
      said: /is not the one that its manifest names/,
    },
    'the dump is missing': {
      spoil: () => {
        vault.store.bucket.remove(layout.mlmdDump(newest));
      },
      said: /mlmd: .*dump\.gz is missing/,
    },
    'the dump is cut short': {
      spoil: () => vault.store.seed(layout.mlmdDump(newest), 'short'),
      said: /mlmd: .*dump\.gz has 5 bytes instead of \d+/,
    },
    'the dump was replaced by one of the same size': {
      spoil: () => {
        const { size } = vault.store.bucket.get(layout.mlmdDump(newest));
        vault.store.seed(layout.mlmdDump(newest), Buffer.alloc(size, gzipSync('')));
      },
      said: /mlmd: .*cannot be restored/,
      deep: true,
    },
    'all of a database backup is missing': {
      spoil: () => {
        for (const key of vault.store.objects.keys())
          if (key.startsWith(`ckf/kfp-db/${newest}`)) vault.store.bucket.remove(key);
      },
      said: /kfp-db: nothing of its backup .* is left/,
    },
    "a database backup's mark is missing": {
      spoil: () => {
        vault.store.bucket.remove(`ckf/katib-db/${newest}.md5`);
      },
      said: /katib-db: .*\.md5 is missing/,
    },
    "a database backup's data are missing": {
      spoil: () => {
        for (const part of ['0', '1'])
          vault.store.bucket.remove(`ckf/katib-db/${newest}/ibdata1.${part.padStart(20, '0')}`);
      },
      said: /katib-db: there are no data/,
    },
    'one object of a database backup is missing': {
      spoil: () => {
        vault.store.bucket.remove(`ckf/katib-db/${newest}/ibdata1.${'1'.padStart(20, '0')}`);
      },
      said: /katib-db: there are 4 objects .* instead of 5/,
    },
    'an object of a database backup is cut short': {
      spoil: () => vault.store.seed(`ckf/katib-db/${newest}/ibdata1.${'0'.padStart(20, '0')}`, ''),
      said: /katib-db: there are \d+ bytes .* instead of \d+/,
    },
    'an object of a database backup was replaced by one of the same size': {
      spoil: () => {
        const { key, bytes } = vault.store.bucket.get(
          `ckf/kfp-db/${newest}/ibdata1.${'0'.padStart(20, '0')}`,
        );
        vault.store.seed(key, Buffer.alloc(bytes.length, 'x'));
      },
      said: /kfp-db: objects under .* were replaced by others/,
    },
    ...Object.fromEntries(
      ['.metadata', '.backup.log', '.md5'].flatMap((end) => [
        [
          `a database backup's ${end} is missing`,
          {
            spoil: () => {
              vault.store.bucket.remove(`ckf/kfp-db/${newest}${end}`);
            },
            said: /kfp-db: there are 4 objects .* instead of 5/,
          },
        ],
        [
          `a database backup's ${end} was replaced by one of the same size`,
          {
            spoil: () => {
              const { key, bytes } = vault.store.bucket.get(`ckf/kfp-db/${newest}${end}`);
              vault.store.seed(key, Buffer.alloc(bytes.length, '?'));
            },
            said: /kfp-db: objects under .* were replaced by others/,
          },
        ],
      ]),
    ),
    'the claim of the path cannot be read': {
      spoil: () => vault.store.seed(layout.claim, '{"format": 1'),
      said: /ckf-backup\.json .* is not a claim/,
    },
    'an object was damaged where it lies': {
      spoil: () => {
        rot(`${mirror}a b`);
      },
      said: /mlpipeline: "a b" has another MD5/,
      deep: true,
    },
    'an object of a database backup was damaged where it lies': {
      spoil: () => {
        rot(`ckf/kfp-db/${newest}/ibdata1.${'0'.padStart(20, '0')}`);
      },
      said: /kfp-db: .* has another MD5/,
      deep: true,
    },
  };
  /** Changes a byte on the server's disk: size and ETag stay what they were. */
  const rot = (key: string): void => {
    const { bytes } = vault.store.bucket.get(key);
    bytes[0] = (bytes[0] ?? 0) ^ 0xff;
  };

  for (const [what, { spoil, said, deep = false, id }] of Object.entries(damage)) {
    it(`names the damage when ${what}`, async () => {
      spoil();
      const verification = await verify(id === 'old' ? old : newest, deep);
      assert.match(verification.first.join('; '), said);
      assert.notEqual(verification.damages, 0);
      if (!deep) return;
      assert.equal((await verify(newest)).damages, 0, 'a shallow one cannot see it');
    });
  }

  it('tells how many of the damages are something that is not there at all', async () => {
    for (const key of ['a', 'empty']) vault.store.bucket.remove(`${mirror}${key}`);
    vault.store.seed(`${mirror}a b`, 'SECOND a b');
    vault.store.bucket.remove(layout.mlmdDump(newest));
    const { damages, missing } = await verify(newest);
    assert.deepEqual([damages, missing], [4, 3]);
  });

  it('does not call a path without a claim damaged, but says that it has none', async () => {
    vault.store.bucket.remove(layout.claim);
    assert.equal((await verify(newest)).damages, 0);
    assert.match(vault.progress.notes.join('\n'), /ckf-backup\.json is missing/);
  });

  it('is not confused by a backup that moves versions to the history meanwhile', async () => {
    const { store } = vault;
    const before = await Array.fromAsync(store.list(history));
    for (const key of ['a', 'empty', '\uffee']) vault.source.seed(key, `third ${key}`);
    await vault.backUp();
    intercept(
      store,
      'list',
      (list) => (prefix, options) =>
        prefix === history
          ? (async function* () {
              yield* before;
            })()
          : list(prefix, options),
    );
    assert.deepEqual((await verify(newest)).first, []);
  });

  it('does not count an object in parts as proven when they are not what its ETag says', async () => {
    seedParts(vault, 'in parts');
    const id = await vault.backUp();
    rot(`${mirror}in parts`);
    const { proven, unproven, damages } = await verify(id, true);
    assert.equal(proven, 6 + 1 + 2 * 5);
    assert.equal(unproven + damages, 1);
  });

  it('tells of a component that the manifest leaves out', async () => {
    const rest = { ...vault.manifest(newest), mlmd: undefined };
    vault.store.seed(layout.manifest(newest), JSON.stringify(rest));
    const { first } = await verify(newest);
    assert.deepEqual(first, [
      'mlmd is one of its components, but the manifest does not describe it',
    ]);
  });

  it('keeps ten damages for the message, and logs two hundred', async () => {
    for (let index = 0; index < 300; index += 1) vault.source.seed(`many/${index}`, 'x');
    const id = await vault.backUp();
    for (let index = 0; index < 300; index += 1)
      vault.store.bucket.remove(`${mirror}many/${index}`);
    const { damages, first } = await verify(id);
    assert.equal(damages, 300);
    assert.equal(first.length, 10);
    assert.equal(vault.progress.notes.filter((note) => note.startsWith('Damaged: ')).length, 200);
  });

  it('believes no MD5 where ETags are not MD5s, as under encryption by a key service', async () => {
    await using other = await createVault();
    const id = await other.backUp();
    const { store } = other;
    // It knows the ETags that were there when the backup was made, as it would have seen these.
    const unlisted = other.manifest(id).databases.map((one) => ({ ...one, digest: undefined }));
    const manifest = { ...other.manifest(id), databases: unlisted };
    store.seed(layout.manifest(id), JSON.stringify(manifest));
    const sealed = [...store.objects.values()].filter(({ key }) =>
      /^ckf\/(kfp|katib)-db/.test(key),
    );
    for (const { key, bytes } of sealed) {
      const stored = store.bucket.store(key, bytes);
      Object.assign(stored, { etag: md5Of(Buffer.from(key)) });
    }
    const wanted = { id, deep: true };
    const { damages, unproven } = await verifySet(
      other.world,
      { transfers: 4, copyProcesses: 1 },
      other.target,
      wanted,
    );
    assert.equal(damages, 0);
    assert.equal(unproven, 10);
  });

  it('reads an object again when the connection broke', async () => {
    vault.store.failNext('body', new CharmError('store-unreachable', 'reset'), 2);
    assert.equal((await verify(newest, true)).damages, 0);
  });

  it('names an object that the server does not give, and reads all the others', async () => {
    const whole = await verify(newest, true);
    intercept(vault.store, 'get', (get) => async (key, options) => {
      if (key === `${mirror}a`)
        throw new CharmError('store-refused', 'The reply lacks Content-Length.');
      return get(key, options);
    });
    const { damages, first, proven } = await verify(newest, true);
    assert.deepEqual([damages, proven], [1, whole.proven - 1]);
    assert.match(first.join(), /cannot be read: The reply lacks Content-Length/);
  });

  it('fails when S3 is away, rather than to call that damage', async () => {
    vault.store.failNext('list', new CharmError('store-unreachable', 'away'), 9);
    await rejectsWithCode(verify(newest), 'store-unreachable');
  });

  it('refuses a manifest that cannot be trusted, and knows what is no set', async () => {
    vault.store.seed(layout.manifest(newest), 'not JSON');
    await rejectsWithCode(verify(newest), 'manifest-invalid');
    await rejectsWithCode(verify('2020-01-01T00:00:00Z' as BackupId), 'backup-missing');
  });
});
