import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { CharmError } from '../../../src/errors.ts';
import { layoutOf } from '../../../src/repository/layout.ts';
import { backUpVolumes } from '../../../src/volumes/back-up-volumes.ts';
import { repositoryPassword } from '../../../src/volumes/restic/keys.ts';
import { type SealKey, keyIn } from '../../../src/volumes/restic/restic-seal.ts';
import { restoreVolume } from '../../../src/volumes/restore-volume.ts';
import type { SessionRecord } from '../../../src/volumes/records/session-record.ts';
import { verifyRepositories } from '../../../src/volumes/verify-repositories.ts';
import { oursIn } from '../../fakes/cluster.ts';
import { newKey, newKeyFile, seal } from '../../fakes/restic-seal.ts';
import { intercept } from '../../rigs/intercept.ts';
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

type Junk = readonly [key: string, content: string | Buffer];

/** restic looks at keys in the order of their names: at one before `own`. */
const keyBefore = (own: string, make: (turn: number) => string): Junk => {
  for (let turn = 0; ; turn += 1) {
    const content = make(turn);
    const key = `keys/${hashOf(content)}`;
    if (key < own) return [key, content];
  }
};

/** What a user can write through the gateway, and what stops restic; `own` is the real key. */
const junk: Readonly<Record<string, (own: string, key: SealKey) => Junk>> = {
  'a snapshot by another name': () => [`snapshots/${'a'.repeat(64)}`, 'junk'],
  'a snapshot too short to be one': () => [`snapshots/${hashOf('junk')}`, 'junk'],
  'a snapshot of zeros': () => [`snapshots/${hashOf(Buffer.alloc(500))}`, Buffer.alloc(500)],
  'an index by another name': () => [`index/${'a'.repeat(64)}`, 'junk'],
  'an index too short to be one': () => [`index/${hashOf('junk')}`, 'junk'],
  'an index of zeros': () => [`index/${hashOf(Buffer.alloc(500))}`, Buffer.alloc(500)],
  'an index that is sealed and none': (_own, key) => {
    const index = seal(key, 'junk');
    return [`index/${hashOf(index)}`, index];
  },
  'a key that is none': (own) => keyBefore(own, (turn) => `junk ${turn}`),
  'a key of another kind': (own) => keyBefore(own, (turn) => `{"kdf":"rot${turn}"}`),
  'a key that opens another repository': (own) =>
    keyBefore(own, () => newKeyFile(newKey(), repositoryPassword(volumesKey, 'alice'))),
};

describe('what a user puts into the own repository', () => {
  let rig: VolumeWorldRig;
  beforeEach(async () => {
    rig = aWorldOfTwoUsers();
    await backUp();
  });
  afterEach(() => {
    assert.deepEqual(oursIn(rig.cluster), [], 'nothing of ours is left in the cluster');
    assert.deepEqual(rig.keysOf('alice', 'locks'), []);
    rig[Symbol.dispose]();
  });

  const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };
  const { volumes: config } = volumesConfig({ keep, pruneDays: 0, checkParts: 0 });
  const backUp = async (): Promise<SessionRecord> => {
    const record = await backUpVolumes(rig.whole, config, { kind: 'all' });
    await rig.later(3600);
    return record;
  };
  const verify = async () => {
    const { verified } = await verifyRepositories(rig.whole, config, {
      ...{ namespace: 'alice', readData: undefined, testRestore: undefined },
    });
    await rig.later(60);
    return verified[0]?.problem;
  };
  const zeros = (): Junk => junk['a snapshot of zeros']!('', newKey());
  const sealKey = (): SealKey => {
    const password = repositoryPassword(volumesKey, 'alice');
    return keyIn(rig.store.bucket.get(`${place}${own()}`).bytes, password) ?? assert.fail();
  };
  /** The key of the repository, without its place. */
  const own = (): string => rig.keysOf('alice', 'keys')[0]?.slice(place.length) ?? '';
  const put = ([key, content]: readonly [string, string | Buffer], metadata = {}): string => {
    rig.store.seed(`${place}${key}`, content, metadata);
    return `${place}${key}`;
  };
  const phases = ({ volumes }: SessionRecord) =>
    volumes.map(({ claim, phase }) => `${claim} ${phase}`);
  const notes = () => rig.progress.notes.join('\n');

  for (const [what, make] of Object.entries(junk)) {
    it(`stops no backup, retention, check or restore: ${what}`, async () => {
      const key = put(make(own(), sealKey()), throughGateway);
      const record = await backUp();
      assert.deepEqual(phases(record), ['home Succeeded', 'data Succeeded']);
      assert.equal(record.notRemoved, undefined);
      assert.equal(rig.store.bucket.find(key), undefined, 'it was taken away');
      assert.match(
        notes(),
        new RegExp(`^alice: took 1 object away .*${key}\\. No backup needs`, 'm'),
      );
      put(make(own(), sealKey()), throughGateway);
      assert.equal(await verify(), undefined);
      put(make(own(), sealKey()), throughGateway);
      const { folder = '' } = await restoreVolume(rig.whole, config, {
        volume: { namespace: 'alice', claim: 'home' },
        ...{ to: undefined, into: 'back', include: undefined, backup: { kind: 'latest' } },
        ...{ create: false, deleteExtra: false, dryRun: false, confirm: '' },
      });
      assert.equal(rig.restic.filesOf('alice/home').get(`${folder}/thesis.md`), 'words');
    });

    it(`is taken away when it comes in the middle of a session: ${what}`, async () => {
      let isPut = false;
      rig.restic.instead = ({ pod }, role) => {
        if (role === 'backup' && pod.metadata.namespace === 'alice' && !isPut) {
          isPut = true;
          put(make(own(), sealKey()), throughGateway);
        }
        return undefined;
      };
      const record = await backUp();
      assert.deepEqual(phases(record), ['home Succeeded', 'data Succeeded']);
      assert.equal(rig.keysOf('alice', 'snapshots').length, 1);
      assert.equal(rig.keysOf('alice', 'keys').length, 1);
    });
  }

  it('never has a backup that cannot be read go with it', async () => {
    const [snapshot = ''] = rig.keysOf('alice', 'snapshots');
    rig.store.seed(snapshot, 'spoiled', throughGateway);
    const other = put(zeros(), throughGateway);
    assert.deepEqual(phases(await backUp()), ['home Failed', 'data Succeeded']);
    assert.ok(rig.store.bucket.find(snapshot));
    assert.equal(rig.store.bucket.find(other), undefined);
    assert.equal((await verify())?.code, 'volume-damaged');
  });

  it('stays when restic can read it, and is only counted', async () => {
    const key = sealKey();
    const text = JSON.stringify({
      ...{ time: '2031-01-01T00:00:00Z', hostname: 'home', tags: ['session=20310101t000000z'] },
      ...{ tree: '0'.repeat(64), packs: {}, summary: { total_files_processed: 1 } },
    });
    const forged = seal(key, text);
    const stays = put([`snapshots/${hashOf(forged)}`, forged], throughGateway);
    const blobs = [{ id: '0'.repeat(64), type: 'tree', offset: 0, length: 1 }];
    const index = seal(key, JSON.stringify({ packs: [{ id: 'f'.repeat(64), blobs }] }));
    put([`index/${hashOf(index)}`, index], throughGateway);
    const goes = put(zeros(), throughGateway);
    for (let night = 0; night < 3; night += 1) {
      const record = await backUp();
      assert.deepEqual(phases(record), ['home Succeeded', 'data Succeeded']);
      assert.equal(record.removed?.length, 2, 'the backups of the night before, and no others');
    }
    assert.ok(rig.store.bucket.find(stays));
    assert.equal(rig.store.bucket.find(goes), undefined);
    assert.equal(rig.keysOf('alice', 'snapshots').length, 2);
  });

  it('goes when it is a snapshot of nothing, unless the indexes do not know a backup either', async () => {
    const key = sealKey();
    const forged = seal(
      key,
      JSON.stringify({
        ...{ time: '2031-01-01T00:00:00Z', hostname: 'home', tags: ['session=20310101t000000z'] },
        ...{ tree: '0'.repeat(64), packs: {}, summary: { total_files_processed: 1 } },
      }),
    );
    const indexes = rig
      .keysOf('alice', 'index')
      .map((one) => [one, rig.store.bucket.get(one)] as const);
    for (const [one] of indexes) rig.store.bucket.remove(one);
    const nothing = put([`snapshots/${hashOf(forged)}`, forged], throughGateway);
    put(zeros(), throughGateway);
    assert.equal(await verify(), undefined);
    assert.ok(rig.store.bucket.find(nothing), 'the indexes are not complete');
    for (const [one, { bytes }] of indexes) rig.store.seed(one, bytes, throughGateway);
    put(zeros(), throughGateway);
    assert.equal(await verify(), undefined);
    assert.equal(rig.store.bucket.find(nothing), undefined);
  });

  it('stays when it did not come through a gateway', async () => {
    const key = put(zeros());
    assert.deepEqual(phases(await backUp()), ['home Failed', 'data Succeeded']);
    assert.ok(rig.store.bucket.find(key));
  });

  it('stays while a record of a session cannot be read, of which it may be', async () => {
    const key = put(zeros(), throughGateway);
    const [record = ''] = rig.store.bucket.after(layout.volumeSessions, '').map((one) => one.key);
    rig.store.seed(record, 'spoiled');
    assert.deepEqual(phases(await backUp()), ['home Failed', 'data Succeeded']);
    assert.ok(rig.store.bucket.find(key));
  });

  it('is named when S3 does not let it be taken away, and stops nobody else', async () => {
    put(zeros(), throughGateway);
    const restore = intercept(rig.store, 'delete', (remove) => async (keys) => {
      if (keys.some((key) => key.includes('/snapshots/')))
        throw new CharmError('store-denied', 'S3 refuses to delete.');
      return remove(keys);
    });
    assert.deepEqual(phases(await backUp()), ['home Failed', 'data Succeeded']);
    assert.match(notes(), /^alice: what keeps restic .*: S3 refuses to delete\.$/m);
    restore();
    assert.deepEqual(phases(await backUp()), ['home Succeeded', 'data Succeeded']);
  });
});
