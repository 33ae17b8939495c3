import { setsIn } from './intact.ts';
import { knownBucket, type KnownBucket, type Span } from './known-bucket.ts';
import { randomFrom } from './plan.ts';
import { type Rig, type RigMaker, rigMaker } from './rig.ts';

/** A box with four units of ckf-backup, of whose bucket everything is known. */
export interface UnitsRig {
  readonly rig: Rig;
  readonly bucket: KnownBucket;
  /** When each set was made. */
  readonly spans: Map<string, Span>;
  readonly random: () => number;
  /** How many milliseconds the last backup took. */
  usual: number;
}

/** Enough for five shards. */
const objects = 1300;

const keyOf = (index: number): string =>
  index % 50 === 3
    ? `v2/a b/größe+${index}%/${index}`
    : `artifacts/run-${String(index).padStart(5, '0')}/log`;

/** Those that take as long as the other units need to come; some in each shard. */
const large = Array.from(
  { length: 10 },
  (_, part) => `artifacts/run-${String(part * 130 + 50).padStart(5, '0')}/model`,
);

/** Where such boxes come from, each with a set that one unit made. */
export const unitsRigMaker = (): Promise<RigMaker> =>
  rigMaker(
    {},
    {
      units: 4,
      prepare: async (box) => {
        await box.configure({ components: 'mlpipeline' });
        const all = Array.from({ length: objects }, (_, index) => keyOf(index));
        box.stores.minio.contents.put(
          'mlpipeline',
          ...[...all, ...large].map((key) => ({ key, content: `the first ${key}` })),
        );
      },
    },
  );

export const openUnitsRig = (rig: Rig, seed: number): UnitsRig => {
  const made = { from: performance.now(), to: performance.now() };
  const spans = new Map(setsIn(rig.box).map((id) => [id, made]));
  return { rig, spans, bucket: knownBucket(rig.box), random: randomFrom(seed), usual: 6000 };
};

/** People work between two backups: something new, something replaced, something deleted. */
export const changeBucket = (units: UnitsRig): void => {
  const { bucket, random } = units;
  const part = [0.02, 0.1, 0.3][Math.floor(random() * 3)] ?? 0;
  for (let index = 0; index < objects; index += 1) if (random() < part) changeOne(units, index);
  for (const key of large) bucket.put(key, bytes(random, 30_000));
};

const changeOne = ({ bucket, random }: UnitsRig, index: number): void => {
  const kind = random();
  if (kind < 0.15) bucket.remove(keyOf(index));
  else if (kind < 0.3) bucket.put(`${keyOf(index)}-${Math.floor(random() * 9)}`, bytes(random, 90));
  else bucket.put(keyOf(index), bytes(random, Math.floor(random() * 900)));
};

const bytes = (random: () => number, length: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, () => Math.floor(random() * 256)));

/** Until it is disposed of, people change something at some of the reads of the bucket. */
export const changeMeanwhile = (units: UnitsRig): Disposable => {
  const { rig, random } = units;
  const { minio } = rig.box.stores;
  const moments = new Set(Array.from({ length: 6 }, () => 1 + Math.floor(random() * 100)));
  let reads = 0;
  minio.observer = ({ operation }, when) => {
    if (operation !== 'GetObject' || when !== 'after') return undefined;
    reads += 1;
    if (moments.has(reads))
      for (let count = 0; count < 4; count += 1) changeOne(units, Math.floor(random() * objects));
    return undefined;
  };
  return {
    [Symbol.dispose]: () => {
      minio.observer = undefined;
    },
  };
};

/**
 * Until it is disposed of, what is large is sent slowly, from MinIO and from S3: a shard takes a
 * second or a few.
 */
export const slowly = (
  { rig, random }: UnitsRig,
  bytesPerSecond = 8000 + Math.round(random() * 22_000),
): Disposable => {
  const { minio, target } = rig.box.stores;
  const fault = { bytesPerSecond };
  for (const store of [minio, target])
    store.fail({ operation: 'GetObject', key: /\/model$/, times: Infinity, fault });
  return {
    [Symbol.dispose]: () => {
      minio.mend();
      target.mend();
    },
  };
};
