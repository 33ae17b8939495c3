import assert from 'node:assert/strict';
import { openS3 } from '../../src/adapters/s3/s3.ts';
import type { BackupId } from '../../src/repository/layout.ts';
import { pruneSets } from '../../src/retention/prune.ts';
import { listSets } from '../../src/repository/sets.ts';
import { verifySet } from '../../src/verify/verify-set.ts';
import type { Target, World } from '../../src/world.ts';
import { quickClock } from '../fakes/fast-clock.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { profileOf, s3Profiles, type S3ProfileName } from '../servers/s3/profiles.ts';
import { startS3Server, testUser, type S3Server } from '../servers/s3/server.ts';
import { createVault, prefix, type Vault } from '../rigs/vault.ts';

/** The servers that can be a target: MinIO of 2021 refuses the vault's keys. */
const profiles = (Object.keys(s3Profiles) as S3ProfileName[]).filter(
  (name) => !profileOf(name).quirks.has('refuses-objects-beside-folders'),
);
const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };

interface Rig extends AsyncDisposable {
  readonly server: S3Server;
  readonly world: World;
  readonly target: Target;
  readonly ids: readonly BackupId[];
}

/**
 * Two sets of a vault, of today, on a server of this kind: its clock is the real one, and so is the
 * unit's.
 */
const openRig = async (profile: S3ProfileName): Promise<Rig> => {
  const stack = new AsyncDisposableStack();
  const vault = stack.use(await createVault(new Date(Date.now() - 12 * 3600 * 1000)));
  const ids = await fill(vault);
  const server = stack.use(await startS3Server({ profile, buckets: ['backups'] }));
  const store = stack.use(
    openS3({
      ...{
        endpoint: server.url,
        region: profileOf(profile).region,
        bucket: 'backups',
        style: 'path' as const,
      },
      ...{ ...testUser, clock: quickClock, attempts: 3 },
    }),
  );
  const objects = [...vault.store.objects.values()];
  const isManifest = ({ key }: { key: string }) => key.endsWith('manifest.json');
  for (const { key, bytes } of objects.filter((one) => !isManifest(one)))
    await store.put(key, bytes);
  for (const { key, bytes } of objects.filter(isManifest)) await store.put(key, bytes);
  return {
    server,
    world: { ...vault.world, clock: quickClock },
    target: { store, bucket: 'backups', endpoint: server.url, prefix, application: 'ckf-backup' },
    ids,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};

const fill = async ({ source, backUp }: Pick<Vault, 'source' | 'backUp'>): Promise<BackupId[]> => {
  for (const key of ['a', 'a b', 'a/b+c', '100%', 'größe', '\u{1f600}'])
    source.seed(key, `first ${key}`);
  const first = await backUp();
  for (const key of ['a', 'a b', '\u{1f600}']) source.seed(key, `second ${key}`);
  source.bucket.remove('größe');
  return [first, await backUp()];
};

describe('sets on a real server', () => {
  for (const profile of profiles) {
    it(`are listed, verified and pruned on ${profile}`, async () => {
      await using rig = await openRig(profile);
      const { target, world, ids, server } = rig;
      const { sets } = await listSets(target, { limit: 20 });
      assert.deepEqual(
        sets.map(({ id }) => id),
        [...ids].reverse(),
      );
      for (const id of ids) {
        const { first, unproven } = await verifySet(
          world,
          { transfers: 4, copyProcesses: 1 },
          target,
          {
            id,
            deep: true,
          },
        );
        assert.deepEqual({ first, unproven }, { first: [], unproven: 0 });
      }
      const report = await pruneSets(world, { keep }, target, { dryRun: false });
      assert.deepEqual(report.removed, [ids[0]]);
      const { first } = await verifySet(world, { transfers: 4, copyProcesses: 1 }, target, {
        id: ids[1]!,
        deep: true,
      });
      assert.deepEqual(first, []);
      const left = (await Array.fromAsync(target.store.list(''))).map(({ key }) => key);
      assert.deepEqual(
        left.filter((key) => key.includes(ids[0]!) || key.includes('history')),
        [],
      );
      assert.ok(!left.includes('ckf/mlpipeline/größe'));
      assert.ok(server.count('DeleteObjects') > 0);
    });
  }

  it('are read again when a reply is cut short, and then are intact', async () => {
    await using rig = await openRig('target');
    rig.server.fail({ operation: 'GetObject', nth: 3, fault: { truncate: 5 } });
    const { damages } = await verifySet(rig.world, { transfers: 4, copyProcesses: 1 }, rig.target, {
      id: rig.ids[0]!,
      deep: true,
    });
    assert.equal(damages, 0);
  });

  it('stay when the server does not let us delete, and go when it does', async () => {
    await using rig = await openRig('target');
    const { server, target, world, ids } = rig;
    server.fail({
      operation: /^DeleteObject/,
      times: Infinity,
      fault: { answer: 403, code: 'AccessDenied' },
    });
    await rejectsWithCode(pruneSets(world, { keep }, target, { dryRun: false }), 'store-denied');
    server.mend();
    for (const id of ids) {
      const { first } = await verifySet(world, { transfers: 4, copyProcesses: 1 }, target, {
        id,
        deep: false,
      });
      assert.deepEqual(first, []);
    }
    const { removed } = await pruneSets(world, { keep }, target, { dryRun: false });
    assert.deepEqual(removed, [ids[0]]);
  });
});
