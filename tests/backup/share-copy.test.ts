import assert from 'node:assert/strict';
import { runBackup } from '../../src/backup/run-backup.ts';
import { CharmError, hasCode } from '../../src/errors.ts';
import { takeLock } from '../../src/repository/lock.ts';
import { sum } from '../../src/text.ts';
import { deletablePatterns } from '../rigs/documented-policy.ts';
import { frozenWorld } from '../rigs/frozen-world.ts';
import { intercept } from '../rigs/intercept.ts';
import { aTeamWorld, type TeamWorldRig } from '../rigs/team-world.ts';
import { targetIn } from '../rigs/target.ts';
import {
  config,
  contents,
  debris,
  playTeams,
  request,
  restored,
  seed,
} from '../reliability/teams.ts';

/** `ckf-backup/0 250 objects …` in the leader's log. */
const shareOf = (notes: readonly string[], unit: number): number =>
  Number(
    new RegExp(`copied ahead by .*ckf-backup/${unit} (\\d+) object`).exec(notes.join('\n'))?.[1] ??
      0,
  );

/** A backup waits until no unit writes any more; their tasks end a moment later. */
const allEnded = async ({ model }: TeamWorldRig): Promise<void> => {
  for (const { id } of model.state.tasks) await model.ended(id);
};

/** A store of which one method is another. */
const withMethod = <T extends object>(store: T, methods: Readonly<Record<string, unknown>>): T =>
  new Proxy(store, {
    get: (target, name) => {
      if (typeof name === 'string' && name in methods) return methods[name];
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function'
        ? (...words: readonly unknown[]): unknown => Reflect.apply(member, target, words)
        : member;
    },
  });

const neverWaking = (_: number, signal?: AbortSignal): Promise<void> =>
  new Promise((_resolve, reject) => {
    signal?.throwIfAborted();
    signal?.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });

describe('a copy that units share', () => {
  it('gives the set that one unit gives, and leaves nothing else behind', async () => {
    using rig = aTeamWorld(3, config);
    seed(rig, 2500);
    const leader = rig.worldOf(0);
    const { manifest } = await runBackup(leader, config, request);
    assert.deepEqual(await restored(rig, manifest.id), contents(rig));
    assert.equal(manifest.buckets[0]?.copied, 2501);
    const shares = [0, 1, 2].map((unit) => shareOf(leader.progress.notes, unit));
    assert.equal(shares[0]! + shares[1]! + shares[2]!, 2501, leader.progress.notes.join('\n'));
    assert.ok(shares.filter((share) => share > 0).length > 1, shares.join());
    assert.deepEqual(debris(rig), []);
  });

  it('begins with the last list, and copies what changed since', async () => {
    using rig = aTeamWorld(2, config);
    seed(rig, 1200);
    const first = await runBackup(rig.worldOf(0), config, request);
    const before = contents(rig);
    seed(rig, 10, 'new');
    rig.source.seed('zzz', 'after all others');
    rig.source.bucket.remove('pipelines/1');
    const second = await runBackup(rig.worldOf(0), config, request);
    assert.equal(second.manifest.buckets[0]?.copied, 11);
    assert.equal(second.manifest.buckets[0].archived, 10);
    assert.deepEqual(await restored(rig, second.manifest.id), contents(rig));
    assert.deepEqual(await restored(rig, first.manifest.id), before);
  });

  it('is made by one unit alone when there is too little to share, or nobody comes', async () => {
    using few = aTeamWorld(3, config);
    await runBackup(few.worldOf(0), config, request);
    assert.equal(few.ended.size, 0);
    using rig = aTeamWorld(2, config);
    seed(rig, 600);
    const leader = {
      ...rig.worldOf(0),
      openJuju: async () => ({
        ...(await rig.whole.openJuju()),
        enqueue: () => Promise.reject(new CharmError('juju-refused', 'no')),
      }),
    };
    const { manifest } = await runBackup(leader, config, request);
    assert.deepEqual(await restored(rig, manifest.id), contents(rig));
  });

  it('is made by one unit alone with keys that may not delete what units say to each other', async () => {
    using rig = aTeamWorld(3, config);
    seed(rig, 600);
    intercept(rig.target, 'delete', (original) => async (keys) => {
      if (keys.some((key) => key.includes('/shards/')))
        throw new CharmError('store-denied', 'may not delete');
      return original(keys);
    });
    for (let pass = 0; pass < 2; pass += 1) {
      const leader = rig.worldOf(0);
      const { manifest } = await runBackup(leader, config, request);
      assert.deepEqual(await restored(rig, manifest.id), contents(rig));
      assert.match(leader.progress.notes.join('\n'), /The other units do not help.*may not delete/);
    }
    assert.deepEqual(debris(rig), []);
    assert.equal(rig.ended.size, 0);
  });

  it('is shared with keys that may delete only what the documented policy lets them', async () => {
    using rig = aTeamWorld(3, config);
    seed(rig, 600);
    const deletable = new RegExp(deletablePatterns('ckf').join('|'));
    intercept(rig.target, 'delete', (original) => async (keys) => {
      const refused = keys.find((key) => !deletable.test(key));
      if (refused !== undefined) throw new CharmError('store-denied', `may not delete ${refused}`);
      return original(keys);
    });
    const leader = rig.worldOf(0);
    const { manifest } = await runBackup(leader, config, request);
    assert.deepEqual(await restored(rig, manifest.id), contents(rig));
    assert.match(leader.progress.notes.join('\n'), /copied ahead by/);
    assert.deepEqual(debris(rig), []);
  });

  it('asks one unit for the same as ever', async () => {
    using rig = aTeamWorld(1, config);
    seed(rig, 600);
    const calls: string[] = [];
    const put = rig.target.put.bind(rig.target) as (...words: never[]) => unknown;
    Object.defineProperty(rig.target, 'put', {
      value: (...words: never[]) => {
        calls.push(String(words[0]));
        return put(...words);
      },
    });
    await runBackup(rig.worldOf(0), config, request);
    assert.deepEqual(
      calls.filter((key) => key.includes('/shards/')),
      [],
    );
  });

  it('does nothing for a token that is not the leader’s', async () => {
    using rig = aTeamWorld(2, config);
    seed(rig, 600);
    const forger = {
      ...rig.worldOf(0),
      openJuju: async () => {
        const juju = await rig.whole.openJuju();
        return {
          ...juju,
          enqueue: (unit: string, action: string, words: Readonly<Record<string, unknown>>) =>
            juju.enqueue(unit, action, { ...words, token: 'guessed' }),
        };
      },
    };
    const { manifest } = await runBackup(forger, config, request);
    await allEnded(rig);
    assert.match(rig.ended.get(1) ?? '', /The token is not the one of the work on/);
    assert.deepEqual(await restored(rig, manifest.id), contents(rig));
  });

  it('is not written to by a unit that was silent for so long that another took its shard', async () => {
    using rig = aTeamWorld(2, config);
    seed(rig, 600);
    const slow = 'artifacts/run-00400/log';
    const isTaken = Promise.withResolvers<undefined>();
    const written: string[] = [];
    const late = rig.worldOf(1);
    rig.worlds.set(1, {
      ...late,
      // It renews nothing, and gets the answer to one request when another one has its shard.
      clock: {
        now: () => rig.clock.now(),
        sleep: (milliseconds, signal) =>
          milliseconds < 10_000
            ? rig.clock.sleep(milliseconds, signal)
            : neverWaking(milliseconds, signal),
      },
      openSource: async (bucket) => {
        const source = await late.openSource(bucket);
        const fetch: typeof source.store.fetch = async (key, options) => {
          const found = await source.store.fetch(key, options);
          if (key === slow) await isTaken.promise;
          return found;
        };
        return { ...source, store: withMethod(source.store, { fetch }) };
      },
      openTarget: async () => {
        const target = await late.openTarget();
        const put = target.store.put.bind(target.store) as (...words: unknown[]) => unknown;
        const noted = (...words: unknown[]): unknown => {
          written.push(String(words[0]));
          return put(...words);
        };
        return { ...target, store: withMethod(target.store, { put: noted }) };
      },
    });
    const own = rig.worldOf(0);
    const leader = {
      ...own,
      openTarget: async () => {
        const target = await own.openTarget();
        const original = target.store.put.bind(target.store) as (...words: unknown[]) => unknown;
        const put = async (...words: unknown[]): Promise<unknown> => {
          if (String(words[0]).endsWith(slow)) {
            isTaken.resolve(undefined);
            await rig.clock.sleep(30_000);
          }
          return original(...words);
        };
        return { ...target, store: withMethod(target.store, { put }) };
      },
    };
    const { manifest } = await runBackup(leader, config, request);
    assert.deepEqual(await restored(rig, manifest.id), contents(rig));
    await allEnded(rig);
    assert.equal(rig.ended.get(1), 'helped');
    assert.ok(written.some((key) => key.startsWith('ckf/mlpipeline/artifacts/')));
    assert.ok(!written.includes(`ckf/mlpipeline/${slow}`));
    assert.equal(shareOf(leader.progress.notes, 0), 601, leader.progress.notes.join('\n'));
  });

  it('took as long as all of its buckets together', async () => {
    const two = { ...config, sourceBuckets: ['mlpipeline', 'datasets'] };
    using rig = aTeamWorld(2, two);
    seed(rig, 600);
    intercept(rig.source, 'fetch', (original) => async (...words: Parameters<typeof original>) => {
      await rig.clock.sleep(10_000);
      return original(...words);
    });
    const { manifest } = await runBackup(rig.worldOf(0), two, request);
    const seconds = manifest.buckets.map((bucket) => bucket.seconds);
    const chapters = manifest.timeline?.map((chapter) => chapter.seconds) ?? [];
    assert.equal(chapters.length, 3);
    assert.ok(sum(seconds) > 20, seconds.join(' and '));
    assert.ok(sum(seconds) <= sum(chapters), `${sum(seconds)} s of ${sum(chapters)} s`);
    for (const one of seconds) assert.ok(one > sum(seconds) / 4, seconds.join(' and '));
  });

  it('is joined by units that come while it goes on', async () => {
    using rig = aTeamWorld(2, config);
    seed(rig, 1500);
    let fetched = 0;
    intercept(rig.source, 'fetch', (original) => async (key, options) => {
      fetched += 1;
      if (fetched === 100) rig.model.setScale('ckf-backup', 3);
      await rig.clock.sleep(4000);
      return original(key, options);
    });
    const leader = rig.worldOf(0);
    const { manifest } = await runBackup(leader, config, request);
    assert.deepEqual(await restored(rig, manifest.id), contents(rig));
    const notes = leader.progress.notes.join('\n');
    assert.match(notes, /Asked ckf-backup\/1 to help[^]*Asked ckf-backup\/2 to help/);
    await allEnded(rig);
    assert.equal(rig.ended.get(2), 'helped');
    assert.ok(shareOf(leader.progress.notes, 2) > 0, notes);
    assert.deepEqual(debris(rig), []);
  });

  it('has each unit at two shards at a time where there are many, and never at more', async () => {
    for (const [count, most] of [
      [900, 1],
      [2100, 2],
    ] as const) {
      using rig = aTeamWorld(2, config);
      seed(rig, count);
      const underWay = new Map<string, number>();
      let highest = 0;
      intercept(rig.target, 'put', (original) => async (...words: Parameters<typeof original>) => {
        const [, what, nonce = ''] = /\/(claims|done)\/\d+\.([^/]+)$/.exec(words[0]) ?? [];
        const written = await original(...words);
        if (what !== undefined)
          underWay.set(nonce, (underWay.get(nonce) ?? 0) + (what === 'claims' ? 1 : -1));
        highest = Math.max(highest, ...underWay.values());
        return written;
      });
      await runBackup(rig.worldOf(0), config, request);
      await allEnded(rig);
      assert.equal(highest, most, `of ${count} objects`);
    }
  });

  it('fails with what one of its two shards fails with, and leaves the other one too', async () => {
    using rig = aTeamWorld(2, config);
    seed(rig, 2100);
    const late = 'artifacts/run-00005/log';
    intercept(rig.source, 'fetch', (original) => async (key, options) => {
      if (key === late) throw new CharmError('store-denied', 'This one may not be read.');
      await rig.clock.sleep(1000);
      return original(key, options);
    });
    await assert.rejects(runBackup(rig.worldOf(0), config, request), (error) =>
      /This one may not be read/.test(String(error)),
    );
    await allEnded(rig);
    assert.deepEqual(debris(rig), []);
  });

  it('ends although the leader has lost its claim and a unit is not heard of any more', async () => {
    using rig = aTeamWorld(2, config);
    seed(rig, 2000);
    let calls = 0;
    const silent = frozenWorld(
      rig.worldOf(1),
      (call) => call.startsWith('source.') && ++calls === 20,
    );
    rig.worlds.set(1, silent.world);
    void silent.frozen.then(() => {
      for (const [key, { bytes }] of rig.target.objects)
        if (key.includes('/locks/') && !bytes.toString().includes('"helps"'))
          rig.target.bucket.remove(key);
    });
    // It is the timeout of the test that says that it waits for ever.
    await assert.rejects(runBackup(rig.worldOf(0), config, request), (error) =>
      hasCode(error, 'backup-running'),
    );
  }).timeout(30_000);

  it('ends everywhere when it fails on the leader, and then the path is free', async () => {
    using rig = aTeamWorld(3, config);
    seed(rig, 2000);
    const stop = new AbortController();
    let copies = 0;
    intercept(rig.source, 'get', (original) => async (key, options) => {
      copies += 1;
      if (copies === 300) stop.abort(new CharmError('interrupted', 'asked to stop'));
      return original(key, options);
    });
    await assert.rejects(
      runBackup({ ...rig.worldOf(0), signal: stop.signal }, config, request),
      (error) => hasCode(error, 'interrupted'),
    );
    await using _lock = await takeLock(targetIn(rig.target), rig.worldOf(0));
    assert.deepEqual(
      debris(rig).filter((key) => key.includes('/locks/')).length,
      1,
      'a unit still helps',
    );
  });
});

describe('any shared copy of which units die or freeze', () => {
  it('gives an exact set or none, and the next one is exact', async () => {
    await playTeams({ rounds: 8 });
  });
});
