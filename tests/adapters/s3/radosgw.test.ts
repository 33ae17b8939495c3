import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../../src/adapters/clock.ts';
import { openS3 } from '../../../src/adapters/s3/s3.ts';
import { backupIdAt, layoutOf, neverASet } from '../../../src/repository/layout.ts';
import { takeLock } from '../../../src/repository/lock.ts';
import { probeServer } from '../../../src/operation/probe-server.ts';
import { documentedPolicy } from '../../rigs/documented-policy.ts';
import { raceForLock, racingClock } from '../../rigs/lock-race.ts';
import { targetIn } from '../../rigs/target.ts';
import type { S3Options } from '../../../src/adapters/s3/options.ts';
import { describeRealServer } from '../../contracts/object-store.ts';
import {
  backupUser,
  radosGwVersion,
  startRadosGw,
  type RadosGw,
} from '../../servers/s3/radosgw.ts';
import type { S3Quirk } from '../../servers/s3/quirks.ts';
import { testUser } from '../../servers/s3/server.ts';

const version = radosGwVersion();

/**
 * Of RadosGW with versioning: before 20 no condition of a PUT is heeded there, and 20 lets all
 * racers win.
 */
const quirks = new Set<S3Quirk>(
  Number(version?.split('.')[0]) < 20
    ? ['keeps-versions', 'loses-conditions-in-versions']
    : ['keeps-versions', 'lets-racers-win'],
);

// The reporter says which servers the tests ran against, so that one which is missing is not taken
// for one that passed.
if (version !== undefined)
  describe(`RadosGW ${version}`, () => {
    let server: RadosGw;
    before(async () => {
      server = await startRadosGw();
      await server.createBucket('bench');
      await server.createVersionedBucket('versioned');
    });
    after(() => server[Symbol.asyncDispose]());

    const options = (bucket: string) => (): S3Options => ({
      endpoint: server.url,
      region: undefined,
      bucket,
      style: 'path',
      ...testUser,
      clock: systemClock,
    });
    it('lets a user with the documented policy make backups and delete none', async () => {
      const { Version, Statement } = documentedPolicy('policed');
      const Principal = { AWS: ['arn:aws:iam:::user/ckf-backup'] };
      for (const isVersioned of [false, true]) {
        const bucket = isVersioned ? 'policed-versions' : 'policed';
        if (isVersioned) await server.createVersionedBucket(bucket);
        else await server.createBucket(bucket);
        const policy = JSON.stringify({
          Version,
          Statement: Statement.map((statement) => ({ ...statement, Principal })),
        });
        await server.setPolicy(
          bucket,
          JSON.parse(policy.replaceAll(':::policed', `:::${bucket}`)) as object,
        );
        const layout = layoutOf('kubeflow');
        const id = backupIdAt(new Date());
        await using store = openS3({ ...options(bucket)(), ...backupUser });
        const target = {
          ...{ store, bucket, endpoint: server.url, prefix: 'kubeflow', application: 'ckf-backup' },
        };
        {
          const { clock } = options(bucket)();
          const unit = { model: { name: 'kubeflow', uuid: 'u' }, unit: 'ckf-backup/0', host: 'h' };
          await using lock = await takeLock(target, { ...unit, clock });
          await lock.assertHeld();
        }
        const passing = [layout.writeTest('1'), layout.started(id), layout.lockClaim('1')];
        for (const key of passing) {
          await store.put(key, 'x');
          await store.delete([key]);
        }
        assert.deepEqual(await Array.fromAsync(store.list('')), []);
        const { etag } = await store.put(layout.manifest(id), '{}', {
          metadata: { tags: { a: 'b' } },
        });
        await store.copy(layout.manifest(id), layout.removed(id), etag);
        const parts = await store.startParts(layout.mirror('mlpipeline'), {});
        await parts.put(1, Buffer.from('x'), 1);
        await parts.complete();
        for (const keys of [[layout.manifest(id)], [layout.manifest(id), layout.removed(id)]])
          await assert.rejects(store.delete(keys), { code: 'store-denied' });
        assert.equal((await Array.fromAsync(store.list(''))).length, 3);
        const { versioning, mayDelete } = await store.protection(layout.manifest(neverASet));
        assert.deepEqual([versioning, mayDelete], [isVersioned ? 'on' : 'off', 'no']);
      }
      await using owner = openS3(options('policed-versions')());
      const { mayDelete, lock } = await owner.protection('never');
      assert.deepEqual([mayDelete, lock], ['yes', { kind: 'off' }]);
    });

    it('lets one of sixteen hold the lock of a path at a time, with versioning', async () => {
      await using store = openS3({ ...options('versioned')(), clock: racingClock });
      await raceForLock(store, 16);
    });

    it('is found to do what it does, with versioning and without', async () => {
      const found = async (bucket: string) => {
        await using store = openS3(options(bucket)());
        const traits = await probeServer(targetIn(store), systemClock);
        return { ...traits, clockAheadSeconds: 0 };
      };
      const plain = await found('bench');
      assert.deepEqual(plain, {
        ...{ conditions: 'heeded', digests: 'checked', tags: 'kept', keys: 'any' },
        ...{ partEtags: 'md5', versions: 'replaced', objectLock: 'off', clockAheadSeconds: 0 },
      });
      const conditions = quirks.has('loses-conditions-in-versions') ? 'ignored' : 'heeded';
      assert.deepEqual(await found('versioned'), { ...plain, conditions, versions: 'kept' });
    });

    it('copies a large version of the past in parts', async () => {
      const mebibytes = { part: 5 * 2 ** 20, singleCopy: 5 * 2 ** 20, copyPart: 5 * 2 ** 20 };
      await using store = openS3({ ...options('versioned')(), sizes: mebibytes });
      const large = Buffer.alloc(12 * 2 ** 20, 7);
      await store.upload('large', Readable.from([large]), { metadata: { tags: { team: 'red' } } });
      await pause(1100);
      const past = store.asOf(new Date());
      await pause(1100);
      await store.put('large', 'overwritten');
      const { etag = '' } = (await past.head('large')) ?? {};
      await past.copy('large', 'large', etag);
      assert.ok((await store.read('large')).equals(large));
      assert.deepEqual(await store.tags('large'), { team: 'red' });
    });

    describeRealServer(`RadosGW ${version}`, options('bench'));
    describeRealServer(`RadosGW ${version} with versioning`, options('versioned'), quirks);
  });
