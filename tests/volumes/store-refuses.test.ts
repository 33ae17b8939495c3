import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import { layoutOf } from '../../src/repository/layout.ts';
import { backUpVolumes } from '../../src/volumes/back-up-volumes.ts';
import { endKilledSession } from '../../src/volumes/dead-session.ts';
import { deleteBackups } from '../../src/volumes/delete-backups.ts';
import type { SessionRecord } from '../../src/volumes/records/session-record.ts';
import { verifyRepositories } from '../../src/volumes/verify-repositories.ts';
import { oursIn } from '../fakes/cluster.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { intercept } from '../rigs/intercept.ts';
import {
  type VolumeWorldRig,
  aWorldOfTwoUsers,
  volumesConfig,
  throughGateway,
} from '../rigs/volume-world.ts';

const layout = layoutOf('ckf');

/** What restic ends with when the server behind the gateway refuses it. */
const refused = {
  exitCode: 1,
  output:
    '{"message_type":"exit_error","code":1,"message":"Fatal: unexpected HTTP response (500): 500 Internal Server Error"}',
};

describe('a session of volumes', () => {
  let rig: VolumeWorldRig;
  beforeEach(() => {
    rig = aWorldOfTwoUsers();
  });
  afterEach(() => {
    assert.deepEqual(oursIn(rig.cluster), [], 'nothing of ours is left in the cluster');
    rig[Symbol.dispose]();
  });

  const { volumes: config } = volumesConfig({ parallel: 1 });
  const backUp = async (): Promise<SessionRecord> => {
    const record = await backUpVolumes(rig.whole, config, { kind: 'all' });
    await rig.later(60);
    return record;
  };

  /** From now on S3 lets nobody in. Returns what lets everybody in again. */
  const revokeKeys = (): (() => void) => {
    const deny = async (): Promise<never> => {
      throw new CharmError('store-denied', 'S3 refuses the keys. Put others into s3-integrator.');
    };
    async function* denyList(): AsyncGenerator<never> {
      yield await deny();
    }
    const { store } = rig;
    const restored = [
      ...(['head', 'get', 'read', 'put', 'delete', 'probe'] as const).map((method) =>
        intercept(store, method, () => deny),
      ),
      intercept(store, 'list', () => denyList),
    ];
    return () => {
      for (const restore of restored) restore();
    };
  };

  /** At the first command of this role; restic then tries for a quarter of an hour, and ends. */
  const revokeAt = (role: string): { letIn: () => void } => {
    const revoked: { letIn: () => void } = { letIn: () => undefined };
    let isRevoked = false;
    rig.restic.instead = async (_run, of) => {
      if (of.startsWith(role) && !isRevoked) {
        isRevoked = true;
        revoked.letIn = revokeKeys();
      }
      if (!isRevoked) return undefined;
      await rig.later(900);
      return refused;
    };
    return revoked;
  };
  /** Everybody may come in again, and a hook ends the session, whose pod has left a lock. */
  const letInAgain = async (revoked: { readonly letIn: () => void }): Promise<void> => {
    rig.restic.instead = () => undefined;
    revoked.letIn();
    const lock = `${layout.repository('alice')}locks/of-the-refused-pod`;
    rig.store.seed(lock, 'a lock', throughGateway);
    await endKilledSession(rig.whole);
  };
  const seconds = (): number => rig.clock.now().getTime() / 1000;

  for (const role of ['init', 'backup'])
    it(`whose keys are revoked at ${role} says so and leaves nothing, and the next one succeeds`, async () => {
      const revoked = revokeAt(role);
      const began = seconds();
      const { message } = await rejectsWithCode(backUp(), 'store-denied');
      assert.ok(seconds() - began < 300, 'nobody waits for restic');
      assert.match(message, /^S3 refuses the keys\. Put others into s3-integrator\./);
      assert.deepEqual(oursIn(rig.cluster), [], 'nothing of ours is left in the cluster');
      await rejectsWithCode(endKilledSession(rig.whole), 'store-denied');
      await letInAgain(revoked);
      const [dead] = await rig.records();
      assert.equal(dead?.phase, 'Failed');
      assert.deepEqual(new Set(dead.volumes.map(({ code }) => code)), new Set(['interrupted']));
      const next = await backUp();
      assert.equal(next.phase, 'Succeeded');
      assert.deepEqual(rig.keysOf('alice', 'locks'), []);
    });

  const verify = () =>
    verifyRepositories(rig.whole, config, {
      ...{ namespace: undefined, readData: '1/2' },
      testRestore: { namespace: 'alice', claim: 'home' },
    });
  const removeOldest = async () =>
    deleteBackups(rig.whole, config, {
      volume: 'alice/home',
      which: { kind: 'session', session: (await rig.records()).at(-1)?.id ?? '' },
      dryRun: false,
    });
  for (const [action, role, act] of [
    ['verify-volumes', 'check', verify],
    ['verify-volumes', 'test-restore', verify],
    ['delete-volume-backups', 'forget', removeOldest],
    ['delete-volume-backups', 'prune', removeOldest],
  ] as const)
    it(`of ${action} whose keys are revoked at ${role} says so soon and leaves nothing, and the next one succeeds`, async () => {
      for (const words of ['few', 'more words']) {
        rig.restic.filesOf('alice/home').set('thesis', words);
        await backUp();
      }
      const revoked = revokeAt(role);
      const began = seconds();
      const { message } = await rejectsWithCode(act(), 'store-denied');
      assert.match(message, /^S3 refuses the keys\. Put others into s3-integrator\./);
      assert.ok(seconds() - began < 120, 'nobody waits for restic');
      await rig.later(60);
      assert.deepEqual(oursIn(rig.cluster), [], 'nothing of ours is left in the cluster');
      await letInAgain(revoked);
      await act();
      assert.deepEqual(rig.keysOf('alice', 'locks'), []);
    });

  it('says so when the bucket is full in the middle, keeps what there was, and the next one succeeds', async () => {
    await backUp();
    const before = rig.keysOf('alice', 'snapshots');
    const full = new CharmError('store-refused', 'The bucket is full (QuotaExceeded). Make room.');
    const restored: (() => void)[] = [];
    rig.restic.instead = (_run, role) => {
      if (role === 'backup' && restored.length === 0)
        restored.push(intercept(rig.store, 'put', () => () => Promise.reject(full)));
      return role === 'backup' ? refused : undefined;
    };
    const { message } = await rejectsWithCode(backUp(), 'store-refused');
    assert.match(message, /^The bucket is full \(QuotaExceeded\)/);
    assert.deepEqual(oursIn(rig.cluster), [], 'nothing of ours is left in the cluster');
    await rejectsWithCode(endKilledSession(rig.whole), 'store-refused');
    assert.deepEqual(rig.keysOf('alice', 'snapshots'), before, 'nothing was removed to make room');
    rig.restic.instead = () => undefined;
    for (const restore of restored) restore();
    await endKilledSession(rig.whole);
    assert.equal((await rig.records())[0]?.phase, 'Failed');
    assert.equal((await backUp()).phase, 'Succeeded');
    assert.equal(rig.keysOf('alice', 'snapshots').length, 2);
  });

  it('begins at once after one whose keys were revoked, also before a hook has ended that', async () => {
    const revoked = revokeAt('backup');
    await rejectsWithCode(backUp(), 'store-denied');
    rig.restic.instead = () => undefined;
    revoked.letIn();
    assert.equal((await backUp()).phase, 'Succeeded');
    assert.deepEqual(
      (await rig.records()).map(({ phase }) => phase),
      ['Succeeded', 'Failed'],
    );
  });
});
