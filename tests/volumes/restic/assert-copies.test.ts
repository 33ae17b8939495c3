import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { layoutOf } from '../../../src/repository/layout.ts';
import { backUpVolumes } from '../../../src/volumes/back-up-volumes.ts';
import { repositoryPassword } from '../../../src/volumes/restic/keys.ts';
import { type SealKey, keyIn } from '../../../src/volumes/restic/restic-seal.ts';
import { readState } from '../../../src/volumes/records/repository-state.ts';
import { seal } from '../../fakes/restic-seal.ts';
import {
  type VolumeWorldRig,
  aWorldOfTwoUsers,
  throughGateway,
  volumesConfig,
  volumesKey,
} from '../../rigs/volume-world.ts';

const layout = layoutOf('ckf');
const place = layout.repository('alice');
const hashOf = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');

const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };
const { volumes: config } = volumesConfig({ keep, pruneDays: 0, checkParts: 0 });

describe('what indexes say to lie in several places', () => {
  let rig: VolumeWorldRig;
  let key: SealKey;
  beforeEach(async () => {
    rig = aWorldOfTwoUsers();
    await backUpVolumes(rig.whole, config, { kind: 'all' });
    await rig.later(3600);
    const [file = ''] = rig.keysOf('alice', 'keys');
    const password = repositoryPassword(volumesKey, 'alice');
    key = keyIn(rig.store.bucket.get(file).bytes, password) ?? assert.fail();
  });
  afterEach(() => {
    rig[Symbol.dispose]();
  });

  const put = (folder: string, content: Buffer): string => {
    const id = hashOf(content);
    const where = folder === 'data' ? `data/${id.slice(0, 2)}` : folder;
    rig.store.seed(`${place}${where}/${id}`, content, throughGateway);
    return id;
  };
  const words = Buffer.from('many words, many words');
  /** A pack of one blob. */
  const packOf = (plain: Buffer, compress = true) => {
    const content = compress ? Buffer.concat([zstdCompressSync(plain)]) : plain;
    const sealed = seal(key, content);
    const at = { offset: 0, length: sealed.length };
    return { pack: put('data', Buffer.concat([sealed, Buffer.alloc(50)])), at, compress };
  };
  /** An index that says of the words that they lie in these places. */
  const say = (...places: readonly ReturnType<typeof packOf>[]): void => {
    const packs = places.map(({ pack, at, compress }) => ({
      id: pack,
      blobs: [
        {
          id: hashOf(words),
          type: 'data',
          ...at,
          ...(compress && { uncompressed_length: words.length }),
        },
      ],
    }));
    put('index', seal(key, JSON.stringify({ packs })));
  };
  /** Why old backups of alice were not removed by the next session, if they were not. */
  const next = async (): Promise<string | undefined> => {
    const { notRemoved, removed } = await backUpVolumes(rig.whole, config, { kind: 'all' });
    assert.equal(removed?.filter(({ namespace }) => namespace === 'bob').length, 1);
    return notRemoved;
  };
  const isPruned = async (): Promise<boolean> =>
    !(await readState(rig.store, layout, 'alice')).unpruned;

  it('is left to restic when it lies in each of them, compressed or not', async () => {
    say(packOf(words), packOf(words), packOf(words, false));
    assert.equal(await next(), undefined);
    assert.ok(await isPruned());
  });

  const lies: Readonly<Record<string, () => ReturnType<typeof packOf>>> = {
    'that has something else': () => packOf(Buffer.from('noise')),
    'that has nothing of restic': () => ({ ...packOf(words), pack: put('data', randomBytes(500)) }),
    'that does not exist': () => ({ ...packOf(words), pack: 'ab'.repeat(32) }),
    'that is shorter': () => ({ ...packOf(words), at: { offset: 5000, length: 90 } }),
  };
  for (const [where, lie] of Object.entries(lies))
    it(`has no space given back when one is in a pack ${where}`, async () => {
      const wrong = lie();
      say(packOf(words));
      say(wrong);
      const said = (await next()) ?? '';
      assert.match(
        said,
        /^The repository alice is damaged \(1 packs, the first: \S+\)\. All its backups stay\./,
      );
      assert.ok(said.includes(wrong.pack));
      assert.match(said, /verify-volumes read-data=1\/1$/);
      assert.ok(!(await isPruned()));
      const [check] = (await readState(rig.store, layout, 'alice')).checks;
      assert.match(check?.errors[0] ?? '', /^an index says of 1 blobs that they are in packs/);
      assert.match((await next().catch(String)) ?? '', /was found damaged/);
    });

  it('is not read from an index that would take all our memory', async () => {
    const bomb = zstdCompressSync(`{"packs":[${' '.repeat(70 * 2 ** 20)}]}`);
    const index = put('index', seal(key, Buffer.concat([Buffer.of(2), bomb])));
    const said = (await next()) ?? '';
    assert.ok(said.startsWith(`The index ${place}index/${index} is none that restic would write:`));
    assert.ok(!(await isPruned()));
  });

  it('is not read from an index that could say something else to restic', async () => {
    const blob = `{"id":"${hashOf(words)}","type":"data","offset":0,"length":9}`;
    for (const text of [
      `{"packs":[], "packs":[]}`,
      `{"packs":[{"blobs":[${blob}],"id":"${'a'.repeat(64)}"}]}`,
      `{"packs":[{"id":"${'a'.repeat(64)}","blobs":[${blob.replace('0', '-1')}]}]}`,
      `{"packs":[{"id":"${'a'.repeat(64)}","blobs":[${blob}]}],"Packs":[]}`,
    ]) {
      const index = put('index', seal(key, text));
      assert.match((await next()) ?? '', /is none that restic would write/, text);
      rig.store.bucket.remove(`${place}index/${index}`);
      await rig.later(60);
    }
    assert.equal(await next(), undefined);
  });

  it('is not looked at twice because one index repeats another', async () => {
    const gone = { ...packOf(words), pack: 'ab'.repeat(32) };
    say(gone);
    say(gone);
    assert.equal(await next(), undefined, 'what is said once is for a check to see');
  });
});
