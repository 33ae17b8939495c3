import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { runBackup } from '../../src/backup/run-backup.ts';
import { openStoredSet } from '../../src/components/buckets/stored-set.ts';
import { CharmError } from '../../src/errors.ts';
import { isBackupId, layoutOf } from '../../src/repository/layout.ts';
import type { BackupManifest } from '../../src/repository/manifest.ts';
import { heldParts, listSets } from '../../src/repository/sets.ts';
import { deleteSet, pruneSets } from '../../src/retention/prune.ts';
import type { Clock, ObjectMetadata, ObjectStore, World } from '../../src/world.ts';
import { FakeJournal } from '../fakes/journal.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { aBackupWorld } from '../rigs/backup-world.ts';
import { aConfig } from '../rigs/config.ts';
import { frozenWorld } from '../rigs/frozen-world.ts';
import { randomFrom } from './plan.ts';
import { md5Of } from '../../src/ports/etags.ts';

/*
 * Random lives of a repository: backups of all buckets or of some, by two units whose clocks are
 * wrong now and then, which are killed or frozen at any request; another model that would like the
 * path, or one above or inside of it; lists and manifests that get damaged; prune and delete in
 * between. After each step every set that is listed is read as a restore reads it, and compared
 * with what the source once had: bytes, metadata and tags.
 */

const prefix = 'team/ckf';
const layout = layoutOf(prefix);
const buckets = ['mlpipeline', 'models'] as const;
const keys = [
  ...['k', 'k l', 'k/l', 'k/l m', 'k!', 'é', '\u{1f600}', '\uffee', 'k/0', 'z'],
  // Of these the history has shorter names.
  ...['y'.repeat(720), 'y'.repeat(990)],
];

/** What may belong to an object besides its bytes. */
const belongings: readonly Partial<ObjectMetadata>[] = [
  {},
  {},
  { contentType: 'text/plain' },
  { user: { run: '1' }, tags: { team: 'red' } },
];

/** An object as a source had it from `time` on. */
interface Version {
  readonly bytes: Buffer;
  readonly metadata: Partial<ObjectMetadata>;
  readonly time: number;
}

const isVersion = (version: Version, bytes: Buffer, metadata: ObjectMetadata): boolean =>
  version.bytes.equals(bytes) &&
  isDeepStrictEqual({ user: {}, tags: {}, ...version.metadata }, metadata);

export interface Lives {
  readonly seed: number;
  readonly steps: number;
}

/**
 * What happened, by name of the step and how it ended. Rejects when a promise was broken, with the
 * seed and the last steps.
 */
export const playLives = async ({ seed, steps }: Lives): Promise<ReadonlyMap<string, number>> => {
  const counts = new Map<string, number>();
  const trace: string[] = [];
  using life = beginLife(createRandom(seed));
  for (let step = 1; step <= steps; step += 1) {
    try {
      const what = await life.step();
      trace.push(`${step}: ${what}`);
      counts.set(what, (counts.get(what) ?? 0) + 1);
      await life.check();
    } catch (error) {
      const last = trace.slice(-25).join('\n');
      throw new Error(
        `Step ${step} of the life with seed ${seed} broke a promise. Before:\n${last}`,
        {
          cause: error,
        },
      );
    }
  }
  await life.thaw();
  return counts;
};

interface Life extends Disposable {
  /** Takes a step, and says which and how it ended. */
  step(): Promise<string>;
  check(): Promise<void>;
  thaw(): Promise<void>;
}

interface Frozen {
  readonly unit: number;
  readonly thaw: () => void;
  readonly outcome: Promise<string>;
}

const beginLife = (random: Random): Life => {
  const rig = aBackupWorld();
  const scratch = mkdtempSync(join(tmpdir(), 'lives-'));
  let time = Date.parse('2026-11-01T00:00:00Z');
  const now = (): Date => new Date(time);
  const target = new FakeObjectStore({ description: 'bucket backups at http://s3.test', now });
  const sources = new Map(
    buckets.map((name) => [name as string, new FakeObjectStore({ description: name, now })]),
  );
  /** All that the sources ever had, by bucket, key and ETag; the newest last. */
  const contents = new Map<string, Version[]>();
  /** When the sets were seen for the first time. */
  const firstSeen = new Map<string, number>();
  /** The buckets whose list was damaged, by set; of a set whose manifest was damaged all. */
  const damaged = new Map<string, readonly string[]>();
  let listed = new Map<string, BackupManifest>();
  /** Whether sets may go in this step. */
  let isRemoving = false;
  let frozen: Frozen | undefined;
  let worlds = 0;
  const skews = [0, 0];

  const targetAt = (place: string, store: ObjectStore = target) => ({
    ...{ store, bucket: 'backups', endpoint: 'http://s3.test', prefix: place },
    application: 'ckf-backup',
  });
  const worldOf = (unit: number, place = prefix): World => ({
    ...rig.whole,
    unit: `ckf-backup/${unit}`,
    // A unit that is frozen cannot do anything else; what comes is the same unit in a pod on
    // another node.
    host: frozen?.unit === unit ? 'node-2' : `node-${unit}`,
    scratch: join(scratch, String((worlds += 1))),
    journal: new FakeJournal(),
    progress: { step: async () => undefined, note: async () => undefined },
    clock: skewed(now, () => skews[unit] ?? 0),
    openTarget: async () => targetAt(place),
    openSource: async (bucket) => ({
      store: sources.get(bucket) ?? assert.fail(bucket),
      ...{ bucket, endpoint: 'http://minio.test' },
    }),
  });
  const write = (): string => {
    const bucket = random.among(buckets);
    const store = sources.get(bucket) ?? assert.fail(bucket);
    // What is written twice within a second cannot be told apart by anybody.
    time += 1000;
    for (let count = random.below(4); count >= 0; count -= 1) {
      const key = random.among(keys);
      if (random.below(4) === 0) store.bucket.remove(key);
      else {
        const bytes = Buffer.from(random.among(['', 'x', 'y', 'one', 'two', 'six']));
        // Now and then an ETag that proves nothing, as with encryption by a key service.
        const odd = random.below(4) === 0 ? [md5Of(bytes), md5Of(Buffer.from(key))] : undefined;
        const metadata = random.among(belongings);
        const { etag } = store.bucket.store(key, bytes, metadata, odd);
        const place = `${bucket}\0${key}\0${etag}`;
        contents.set(place, [...(contents.get(place) ?? []), { bytes, metadata, time }]);
      }
    }
    return 'write';
  };

  const backUp = (world: World): Promise<unknown> =>
    runBackup(
      world,
      aConfig({
        components: ['mlpipeline'],
        sourceBuckets: random.among([buckets, ['mlpipeline'], ['models']]),
        keep: random.below(3) === 0 ? randomKeep() : { last: 0, daily: 0, weekly: 0, monthly: 0 },
      }),
      { allowRunning: false, allowShrink: true, takeOver: false, timeoutSeconds: 600 },
    );
  const randomKeep = () => ({
    last: random.below(4),
    daily: random.below(3),
    weekly: random.below(2),
    monthly: random.below(2),
  });
  const remove = async (world: World): Promise<unknown> => {
    const at = await world.openTarget();
    const ids = [...listed.keys(), ...damaged.keys()].filter(isBackupId);
    // Where there is no set, it still has to be found out whose the path is.
    if (random.below(2) === 0 || ids.length === 0)
      return pruneSets(world, { keep: randomKeep() }, at, {
        dryRun: false,
        onlySets: random.below(2) === 0,
        fewSets: 0,
      });
    return deleteSet(world, at, random.among(ids), { dryRun: false });
  };
  const anything = (world: World): Promise<unknown> => {
    isRemoving = true;
    return random.below(3) === 0 ? remove(world) : backUp(world);
  };

  const freeze = async (unit: number): Promise<string> => {
    if (frozen !== undefined) return thaw();
    let left = random.below(60);
    const slow = frozenWorld(worldOf(unit), (call) => call.startsWith('target.') && left-- <= 0);
    const outcome = ended(anything(slow.world));
    frozen = {
      unit,
      thaw: () => {
        slow.thaw();
      },
      outcome,
    };
    const how = await Promise.race([outcome, slow.frozen.then(() => 'frozen')]);
    if (how !== 'frozen') frozen = undefined;
    return `freeze: ${how}`;
  };
  const thaw = async (): Promise<string> => {
    if (frozen === undefined) return 'thaw nobody';
    isRemoving = true;
    frozen.thaw();
    const how = await frozen.outcome;
    frozen = undefined;
    return `thaw: ${how}`;
  };
  const kill = (unit: number): Promise<string> => {
    let left = random.below(60);
    const world = worldOf(unit);
    const dying = targetAt(
      prefix,
      mortal(target, () => left-- <= 0),
    );
    return ended(anything({ ...world, openTarget: async () => dying }));
  };
  const spoil = (): string => {
    const ids = [...listed.keys()].filter(isBackupId);
    if (ids.length < 3 || damaged.size > 2) return 'spoil nothing';
    const id = random.among(ids);
    const manifest = layout.manifest(id);
    const first = listed.get(id)?.buckets[0];
    const list = first?.list.key ?? manifest;
    const key = random.among([manifest, list, list]);
    if (key === manifest || random.below(2) === 0)
      target.seed(key, target.bucket.get(key).bytes.toReversed());
    else target.bucket.remove(key);
    damaged.set(id, key === manifest || first === undefined ? buckets : [first.bucket]);
    listed.delete(id);
    return 'spoil';
  };
  const firstSeenAt = (id: string): number => {
    const seen = firstSeen.get(id) ?? time;
    firstSeen.set(id, seen);
    return seen;
  };
  const intrude = async (): Promise<string> => {
    const place = random.among([prefix, `${prefix}/mlpipeline`, `${prefix}/x/y`, 'team']);
    const isClaimed = target.bucket.find(layout.claim) !== undefined;
    if (!isClaimed) return 'intrude nowhere';
    const world = { ...worldOf(1, place), model: { name: 'other', uuid: 'uuid-of-other' } };
    const how = await ended(random.below(2) === 0 ? backUp(world) : remove(world));
    if (place !== 'team') assert.equal(how, 'prefix-claimed', place);
    assert.ok(!target.objects.has(layoutOf(place).claim) || place === prefix, place);
    return `intrude: ${how}`;
  };

  return {
    step: async () => {
      isRemoving = false;
      time += 1000 * random.among([0, 0, 1, 60, 240, 3600, 26 * 3600]);
      const unit = random.below(2);
      const dice = random.below(100);
      if (dice < 30) return write();
      if (dice < 55) return `back up: ${await watched(backUp(worldOf(unit)))}`;
      if (dice < 70) return `remove: ${await watched(remove(worldOf(unit)))}`;
      if (dice < 80) return `kill: ${await kill(unit)}`;
      if (dice < 90) return freeze(unit);
      if (dice < 94) return spoil();
      if (dice < 96) return intrude();
      skews[unit] = random.among([0, 0, 0, -30_000, 600_000, -600_000, 86_400_000]);
      return 'clock';
    },
    check: async () => {
      const page = await listSets(targetAt(prefix), { limit: 10_000 });
      const found = new Map<string, BackupManifest>();
      const inPart = new Map<string, BackupManifest>();
      for (const { id, manifest } of page.sets) {
        const lost = damaged.get(id) ?? [];
        if (lost.length === buckets.length) continue;
        assert.ok(manifest, `the set ${id} cannot be read`);
        const intact = manifest.buckets.filter(({ bucket }) => !lost.includes(bucket));
        (lost.length > 0 ? inPart : found).set(id, { ...manifest, buckets: intact });
        for (const backup of intact) {
          const set = openStoredSet(target, layout, backup);
          for await (const { key, etag, lastModified } of set.list()) {
            const { bytes, metadata } = await set.fetch(key);
            const restored = { ...metadata, tags: await set.tags(key) };
            // What belongs to it may have changed after it was listed and before it was read.
            const versions = (contents.get(`${backup.bucket}\0${key}\0${etag}`) ?? []).filter(
              (one) => one.time >= lastModified.getTime() && one.time <= firstSeenAt(id),
            );
            assert.ok(
              versions.some((one) => isVersion(one, bytes, restored)),
              `${id}: ${backup.bucket} ${key} ${JSON.stringify(restored)}`,
            );
            set.forget(key);
          }
        }
      }
      for (const id of damaged.keys())
        if (!page.sets.some((set) => set.id === id)) damaged.delete(id);
      checkVanished(listed, { whole: found, inPart }, isRemoving);
      listed = found;
    },
    thaw: async () => {
      await thaw();
    },
    [Symbol.dispose]: () => {
      rig[Symbol.dispose]();
      rmSync(scratch, { recursive: true, force: true });
    },
  };

  /** Of an operation that nobody disturbs: removals are told. */
  async function watched(work: Promise<unknown>): Promise<string> {
    isRemoving = true;
    return ended(work);
  }
};

/** Sets go by removals only, and never the last one that has a bucket. */
const checkVanished = (
  before: ReadonlyMap<string, BackupManifest>,
  { whole, inPart }: Readonly<Record<'whole' | 'inPart', ReadonlyMap<string, BackupManifest>>>,
  isRemoving: boolean,
): void => {
  const isHeld = new Set([...whole.values(), ...inPart.values()].flatMap(heldParts));
  for (const [id, manifest] of before) {
    if (whole.has(id)) continue;
    assert.ok(isRemoving, `${id} vanished`);
    for (const part of heldParts(manifest))
      assert.ok(isHeld.has(part), `no set has ${part} any more`);
  }
};

/** How an operation ended, in a word; what is not an expected failure is thrown on. */
const ended = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (error instanceof CharmError) return error.code;
    if (error instanceof SuppressedError && error.error instanceof CharmError)
      return error.error.code;
    throw error;
  }
};

/**
 * A store that answers nothing any more from one of its calls on, as for a process that died there.
 */
const mortal = (store: ObjectStore, isTheEnd: () => boolean): ObjectStore => {
  let isDead = false;
  return new Proxy(store, {
    get: (of, name) => {
      const member: unknown = Reflect.get(of, name, of);
      if (typeof member !== 'function') return member;
      return (...words: unknown[]): unknown => {
        isDead ||= isTheEnd();
        if (!isDead || name === Symbol.asyncDispose)
          return Reflect.apply(member, of, words) as unknown;
        const died = new CharmError('interrupted', 'The process died.');
        return /^list|^unfinished/.test(String(name)) ? endingWith(died) : Promise.reject(died);
      };
    },
  });
};

async function* endingWith(error: Error): AsyncGenerator<never> {
  yield await Promise.reject(error);
}

/**
 * Time stands still for the units, but for what the life lets pass. Pauses pass at once, but for
 * long ones that can be told to end.
 */
const skewed = (now: () => Date, skew: () => number): Clock => ({
  now: () => new Date(now().getTime() + skew()),
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      if (signal === undefined || milliseconds < 10_000) resolve();
      signal?.addEventListener('abort', () => {
        reject(signal.reason as Error);
      });
    }),
});

/** Chance that can be repeated. */
interface Random {
  /** A whole number from 0 up to, and without, `end`. */
  below(end: number): number;
  among<T>(choices: readonly T[]): T;
}

const createRandom = (seed: number): Random => {
  const next = randomFrom(seed);
  const below = (end: number): number => Math.floor(next() * end);
  return {
    below,
    among: (choices) => {
      const chosen = choices[below(choices.length)];
      if (chosen === undefined) throw new RangeError('nothing to choose from');
      return chosen;
    },
  };
};
