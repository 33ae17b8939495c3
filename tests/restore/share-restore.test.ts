import assert from 'node:assert/strict';
import { runBackup } from '../../src/backup/run-backup.ts';
import type { ToThread } from '../../src/components/buckets/threads/messages.ts';
import { CharmError, hasCode } from '../../src/errors.ts';
import type { World } from '../../src/world.ts';
import { takeLock } from '../../src/repository/lock.ts';
import { fakeCopyThread } from '../fakes/copy-thread.ts';
import {
  damage,
  playTeamRestores,
  restoreIn,
  spoil,
  verifyIn,
} from '../reliability/team-readers.ts';
import { config, contents, debris, request, seed } from '../reliability/teams.ts';
import { intercept } from '../rigs/intercept.ts';
import { targetIn } from '../rigs/target.ts';
import { aTeamWorld, type TeamWorldRig } from '../rigs/team-world.ts';

const aSet = async (units: number, count: number) => {
  const rig = aTeamWorld(units, config);
  seed(rig, count);
  const { manifest } = await runBackup(rig.worldOf(0), config, request);
  return { rig, id: manifest.id, before: contents(rig) };
};

const helpers = ({ ended }: TeamWorldRig): readonly string[] => [...ended.values()];

/** Calls the original's methods on the original, but for those that the copy has of its own. */
const bound = <T extends object>(copy: T, original: T): T =>
  new Proxy(original, {
    get: (target, name) => {
      if (Object.hasOwn(copy, name)) return Reflect.get(copy, name, copy) as unknown;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function'
        ? (...words: readonly unknown[]): unknown => Reflect.apply(member, target, words)
        : member;
    },
  });

/** A world whose writes to a bucket of MinIO are made by `put`. */
const withSource = <W extends World>(
  world: W,
  put: (key: string, original: () => unknown) => unknown,
): W => ({
  ...world,
  openSource: async (bucket) => {
    const source = await world.openSource(bucket);
    const { store } = source;
    const own = {
      put: (...words: Parameters<typeof store.put>) => put(words[0], () => store.put(...words)),
    };
    return { ...source, store: bound(own as typeof store, store) };
  },
});

describe('a restore that units share', () => {
  it('brings back what one unit brings back, and tells the same of it', async () => {
    const results = [];
    for (const units of [1, 3]) {
      const { rig, id, before } = await aSet(units, 600);
      using _rig = rig;
      spoil(rig, 600);
      const leader = rig.worldOf(0);
      const { buckets } = await restoreIn(leader, id, { deleteExtra: true });
      assert.deepEqual(contents(rig), before);
      results.push(buckets.map((bucket) => ({ ...bucket, seconds: 0 })));
      const by = /brought back by [23] units/;
      assert.equal(by.test(leader.progress.notes.join('\n')), units > 1);
      assert.deepEqual(debris(rig), []);
    }
    assert.deepEqual(results[0], results[1]);
    assert.equal(results[0]?.[0]?.copied, 280);
  });

  it('names all objects that are lost, wherever they were to be brought back', async () => {
    const results = [];
    for (const units of [1, 3]) {
      const { rig, id } = await aSet(units, 600);
      using _rig = rig;
      for (const key of [...rig.source.objects.keys()]) rig.source.bucket.remove(key);
      damage(rig, 600);
      await assert.rejects(restoreIn(rig.worldOf(0), id), (error) => hasCode(error, 'set-damaged'));
      const { buckets } = await restoreIn(rig.worldOf(0), id, { allowDamaged: true });
      results.push(
        buckets.map(({ lost: { count, first }, lostList, copied }) => ({
          ...{ count, copied, isListed: lostList !== undefined },
          first: first.toSorted((one, other) => (one.key < other.key ? -1 : 1)),
        })),
      );
    }
    assert.deepEqual(results[0], results[1]);
    assert.ok((results[0]?.[0]?.count ?? 0) > 10);
  });

  it('fails with all that are found to be damaged when they are read', async () => {
    const { rig, id } = await aSet(3, 600);
    using _rig = rig;
    for (const key of [...rig.source.objects.keys()]) rig.source.bucket.remove(key);
    // No listing tells it.
    for (const key of ['00007', '00300', '00599']) {
      const found = rig.target.bucket.get(`ckf/mlpipeline/artifacts/run-${key}/log`);
      Object.assign(found, { bytes: Buffer.from(found.bytes).fill('#') });
    }
    await assert.rejects(
      restoreIn(rig.worldOf(0), id),
      (error) =>
        hasCode(error, 'objects-failed') &&
        /3 objects could not .*00007.*00300.*00599/.test(error.message),
    );
  });

  it('goes to the bucket that it is told to, and asks one unit for the same as ever', async () => {
    const { rig, id } = await aSet(2, 600);
    using _rig = rig;
    const opened = new Set<string>();
    for (const unit of [0, 1]) {
      const world = rig.worldOf(unit);
      rig.worlds.set(unit, {
        ...world,
        openSource: (bucket) => {
          opened.add(`${unit} ${bucket}`);
          return world.openSource(bucket);
        },
      });
    }
    await restoreIn(rig.worlds.get(0) ?? assert.fail(), id, {
      renamed: new Map([['mlpipeline', 'other']]),
    });
    for (const { id: task } of rig.model.state.tasks) await rig.model.ended(task);
    assert.deepEqual([...opened].toSorted(), ['0 other', '1 other']);

    using alone = aTeamWorld(1, config);
    seed(alone, 600);
    const { manifest } = await runBackup(alone.worldOf(0), config, request);
    const put: string[] = [];
    intercept(alone.target, 'put', (original) => (...words: Parameters<typeof original>) => {
      put.push(words[0]);
      return original(...words);
    });
    await restoreIn(alone.worldOf(0), manifest.id);
    assert.deepEqual(
      put.filter((key) => key.includes('/shards/')),
      [],
    );
  });

  it('is not written to by a unit that was silent for so long that another took its shard', async () => {
    const { rig, id, before } = await aSet(2, 600);
    using _rig = rig;
    for (const key of [...rig.source.objects.keys()]) rig.source.bucket.remove(key);
    const slow = 'artifacts/run-00400/log';
    const isTaken = Promise.withResolvers<undefined>();
    const leader = withSource(rig.worldOf(0), async (key, put) => {
      if (key === slow) {
        isTaken.resolve(undefined);
        await rig.clock.sleep(30_000);
      }
      return put();
    });
    const written: string[] = [];
    const late = withSource(rig.worldOf(1), (key, put) => {
      written.push(key);
      return put();
    });
    rig.worlds.set(1, {
      ...late,
      // It renews nothing, and gets the answer to one request when another one has its shard.
      clock: {
        now: () => rig.clock.now(),
        sleep: (milliseconds, signal) =>
          milliseconds < 10_000
            ? rig.clock.sleep(milliseconds, signal)
            : new Promise((_resolve, reject) => {
                signal?.addEventListener('abort', () => {
                  reject(signal.reason as Error);
                });
              }),
      },
      openTarget: async () => {
        const target = await late.openTarget();
        const store = Object.create(target.store) as typeof target.store;
        store.fetch = async (key, options) => {
          const found = await target.store.fetch(key, options);
          if (key.endsWith(slow)) await isTaken.promise;
          return found;
        };
        return { ...target, store: bound(store, target.store) };
      },
    });
    await restoreIn(leader, id);
    for (const { id: task } of rig.model.state.tasks) await rig.model.ended(task);
    assert.deepEqual(contents(rig), before);
    assert.ok(written.length > 0);
    assert.ok(!written.includes(slow), 'it wrote although it had lost its shard');
  });

  it('ends everywhere when an operator stops it, and then the path is free', async () => {
    const { rig, id } = await aSet(3, 900);
    using _rig = rig;
    for (const key of [...rig.source.objects.keys()]) rig.source.bucket.remove(key);
    const stop = new AbortController();
    let written = 0;
    intercept(rig.source, 'put', (original) => async (...words: Parameters<typeof original>) => {
      written += 1;
      if (written === 30) stop.abort(new CharmError('stopped', 'asked to stop'));
      return original(...words);
    });
    await assert.rejects(restoreIn({ ...rig.worldOf(0), signal: stop.signal }, id), (error) =>
      hasCode(error, 'stopped'),
    );
    await using _lock = await takeLock(targetIn(rig.target), rig.worldOf(0));
    const before = contents(rig);
    await rig.clock.sleep(600_000);
    assert.deepEqual(contents(rig), before);
    assert.ok(before.size < 901);
    assert.ok(helpers(rig).every((text) => text === 'helped' || text.includes('no help')));
  });

  it('uses the other cores of each unit, as a backup and a deep verification do', async () => {
    const count = 5000;
    const cores = { ...config, copyProcesses: 2 };
    using rig = aTeamWorld(2, cores);
    seed(rig, count);
    const used = new Map<string, number>();
    for (const unit of [0, 1])
      rig.worlds.set(unit, {
        ...rig.worldOf(unit),
        startCopyThread: async () => {
          const { source, target, clock } = rig;
          const thread = fakeCopyThread({ source, target, clock });
          const passes = new Map<number, string>();
          return {
            ...thread,
            post: (message) => {
              const told = message as ToThread;
              if (told.kind === 'begin') passes.set(told.pass, told.how.kind);
              if (told.kind === 'do') {
                const name = `${unit} ${passes.get(told.pass) ?? ''}`;
                used.set(name, (used.get(name) ?? 0) + 1);
              }
              thread.post(message);
            },
          };
        },
      });
    const leader = rig.worlds.get(0) ?? assert.fail();
    const { manifest } = await runBackup(leader, cores, request);
    const before = contents(rig);
    for (const key of [...rig.source.objects.keys()]) rig.source.bucket.remove(key);
    await restoreIn(leader, manifest.id, {}, cores);
    assert.deepEqual(contents(rig), before);
    const { damages, proven } = await verifyIn(leader, rig, manifest.id, cores);
    assert.deepEqual([damages, proven], [0, count + 1]);
    assert.deepEqual([...used.keys()].toSorted(), [
      ...['0 copy', '0 read', '0 restore', '1 copy', '1 read', '1 restore'],
    ]);
  });

  it('is exact, or is after the next one, whoever dies or freezes', async () => {
    await playTeamRestores({ rounds: 3 });
  });
});
