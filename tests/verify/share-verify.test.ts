import assert from 'node:assert/strict';
import { runBackup } from '../../src/backup/run-backup.ts';
import { CharmError, hasCode } from '../../src/errors.ts';
import { damage, playTeamVerifications, verifyIn } from '../reliability/team-readers.ts';
import { config, debris, request, seed } from '../reliability/teams.ts';
import { frozenWorld } from '../rigs/frozen-world.ts';
import { intercept } from '../rigs/intercept.ts';
import { aTeamWorld } from '../rigs/team-world.ts';

const aSet = async (units: number, count: number) => {
  const rig = aTeamWorld(units, config);
  seed(rig, count);
  const { manifest } = await runBackup(rig.worldOf(0), config, request);
  return { rig, id: manifest.id };
};

describe('a deep verification that units share', () => {
  it('finds an intact set intact, reads each object once, and leaves nothing behind', async () => {
    const { rig, id } = await aSet(3, 800);
    using _rig = rig;
    const read = new Map<string, number>();
    intercept(rig.target, 'get', (original) => (key, options) => {
      read.set(key, (read.get(key) ?? 0) + 1);
      return original(key, options);
    });
    const leader = rig.worldOf(0);
    const { damages, objects, proven, unproven } = await verifyIn(leader, rig, id);
    const mirrored = [...read].filter(([key]) => key.startsWith('ckf/mlpipeline/'));
    assert.deepEqual([damages, unproven, mirrored.length], [0, 0, 801]);
    assert.ok(mirrored.every(([, times]) => times === 1));
    assert.equal(objects, 801);
    assert.equal(proven, 801);
    assert.match(leader.progress.notes.join('\n'), /read by [23] units: /);
    assert.deepEqual(debris(rig), []);
  });

  it('takes no lock, so that a backup can be made meanwhile', async () => {
    const { rig, id } = await aSet(3, 800);
    using _rig = rig;
    let reads = 0;
    let backup: Promise<unknown> = Promise.resolve();
    intercept(rig.target, 'get', (original) => async (key, options) => {
      if (key.startsWith('ckf/mlpipeline/')) reads += 1;
      if (reads === 200) {
        reads += 1;
        backup = runBackup(rig.worldOf(7), config, request);
      }
      return original(key, options);
    });
    const { damages } = await verifyIn(rig.worldOf(0), rig, id);
    assert.ok(reads > 200);
    await backup;
    assert.equal(damages, 0);
  });

  it('is made by one unit alone where S3 or Juju does not let it, or a list is damaged', async () => {
    const { rig, id } = await aSet(2, 600);
    using _rig = rig;
    damage(rig, 600);
    const alone = {
      ...rig.worldOf(0),
      openJuju: () => Promise.reject(new CharmError('juju-refused', 'no')),
    };
    const expected = await verifyIn(alone, rig, id);
    const undo = intercept(
      rig.target,
      'put',
      (original) =>
        async (...words: Parameters<typeof original>) => {
          if (words[0].includes('/shards/')) throw new CharmError('store-denied', 'may only read');
          return original(...words);
        },
    );
    const leader = rig.worldOf(0);
    assert.deepEqual(await verifyIn(leader, rig, id), expected);
    assert.match(leader.progress.notes.join('\n'), /verifies alone. may only read/);
    undo();
    rig.target.bucket.remove(`ckf/sets/${id}/mlpipeline.ndjson.gz`);
    const { first, missing } = await verifyIn(leader, rig, id);
    assert.equal(missing, 1);
    assert.match(first.join(), /mlpipeline.ndjson.gz is missing/);
    assert.deepEqual(debris(rig), []);
  });

  it('ends everywhere when it is stopped', async () => {
    const { rig, id } = await aSet(3, 900);
    using _rig = rig;
    const stop = new AbortController();
    let reads = 0;
    intercept(rig.target, 'get', (original) => async (key, options) => {
      if (key.startsWith('ckf/mlpipeline/')) reads += 1;
      if (reads === 30) stop.abort(new CharmError('interrupted', 'asked to stop'));
      return original(key, options);
    });
    await assert.rejects(verifyIn({ ...rig.worldOf(0), signal: stop.signal }, rig, id), (error) =>
      hasCode(error, 'interrupted'),
    );
    for (const { id: task } of rig.model.state.tasks) await rig.model.ended(task);
    assert.ok(reads < 901, String(reads));
    // A process that has to end does not wait for the others, which may be too late with what they
    // say. The next backup takes it away.
    await runBackup(rig.worldOf(7), config, request);
    assert.deepEqual(debris(rig), []);
  });

  it('ends although the claim of the leader is gone and a unit is not heard of any more', async () => {
    const { rig, id } = await aSet(2, 900);
    using _rig = rig;
    let reads = 0;
    const silent = frozenWorld(
      rig.worldOf(1),
      (call) => call.includes('get ckf/mlpipeline/') && ++reads === 20,
    );
    rig.worlds.set(1, silent.world);
    void silent.frozen.then(() => {
      for (const [key, { bytes }] of rig.target.objects)
        if (key.includes('/units/') && !bytes.toString().includes('"helps"'))
          rig.target.bucket.remove(key);
    });
    // It is the timeout of the test that says that it waits for ever.
    await assert.rejects(verifyIn(rig.worldOf(0), rig, id), (error) =>
      hasCode(error, 'backup-running'),
    );
  }).timeout(30_000);

  it('finds what one unit finds, whoever dies or freezes', async () => {
    await playTeamVerifications({ rounds: 3 });
  });
});
