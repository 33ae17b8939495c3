import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { S3Failure } from '../../src/adapters/s3/failure.ts';
import { elementsOf, textOf } from '../../src/adapters/s3/xml.ts';
import { readDump } from '../../src/components/mlmd/dump-statements.ts';
import { NotADump } from '../../src/components/mlmd/dump-values.ts';
import { parseConfig } from '../../src/config/config.ts';
import { isBucket } from '../../src/config/options.ts';
import { CharmError } from '../../src/errors.ts';
import { readObjectStorage } from '../../src/relations/object-storage.ts';
import { readS3Location } from '../../src/relations/s3-location.ts';
import { layoutOf } from '../../src/repository/layout.ts';
import { readObjectList } from '../../src/repository/object-list.ts';
import { parseManifest } from '../../src/repository/stored-manifest.ts';
import { aManifest } from '../rigs/manifest.ts';
import { hostileS3 } from './databags.ts';
import { goodDump } from './dumps.ts';
import { goodList } from './lists.ts';
import { hostileManifests } from './manifests.ts';
import { diceFrom, mutatedBytes, mutatedValue, type Dice } from './mutations.ts';

/** `<kind>: read` and `<kind>: refused`, and how often. */
export type FuzzCounts = ReadonlyMap<string, number>;

/**
 * Gives the parsers of everything that comes from outside what they never saw. Each either refuses
 * it in its own words, or gives what holds its promises. Rejects with the seed of the case for
 * anything else; that seed with `cases: 1` plays it again.
 */
export const fuzz = async ({
  seed,
  cases,
  onProgress = () => undefined,
}: {
  readonly seed: number;
  readonly cases: number;
  readonly onProgress?: (done: number) => void;
}): Promise<FuzzCounts> => {
  const counts = new Map<string, number>();
  for (let done = 0; done < cases; done += 1) {
    const dice = diceFrom(seed + done);
    // Neighbouring seeds begin alike.
    for (let skip = 0; skip < 8; skip += 1) dice.below(2);
    const [kind, play] = dice.among(kinds);
    const outcome = await play(dice).catch((cause: unknown) => {
      throw new Error(`the case with seed ${seed + done} (${kind}) broke a promise`, { cause });
    });
    const name = `${kind}: ${outcome}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    if ((done + 1) % 10_000 === 0) onProgress(done + 1);
  }
  return counts;
};

type Outcome = 'read' | 'refused';

/** What is refused is an expected failure whose message a person can read. */
const refusal = async (work: () => Promise<void> | void): Promise<Outcome> => {
  try {
    await work();
    return 'read';
  } catch (error) {
    if (error instanceof NotADump) return 'refused';
    if (!(error instanceof CharmError)) throw error;
    assert.ok(error.message.length < 1200, error.message);
    return 'refused';
  }
};

const key = `ckf/sets/${aManifest().id}/manifest.json`;

const manifest = (dice: Dice): Promise<Outcome> => {
  const from = dice.below(3) === 0 ? dice.among(hostileManifests)[1] : aManifest();
  const text =
    dice.below(2) === 0
      ? JSON.stringify(mutatedValue(from, dice))
      : mutatedBytes(Buffer.from(JSON.stringify(from)), dice).toString('utf8');
  return refusal(() => {
    const read = parseManifest(text, key);
    const layout = layoutOf('ckf');
    for (const { bucket, list } of read.buckets) {
      assert.ok(isBucket(bucket), bucket);
      assert.equal(list.key, layout.objectList(read.id, bucket));
    }
    for (const { backupId, path = 'ckf/kfp-db', application } of read.databases) {
      assert.match(backupId, /^[\d:TZ-]{20}$/);
      assert.match(path, /^ckf\/[a-z-]+(-\d+)?$/);
      assert.match(application, /^[a-z][a-z0-9-]*$/);
    }
    if (read.mlmd) assert.equal(read.mlmd.key, layout.mlmdDump(read.id));
  });
};

const lines = gunzipSync(goodList);

const list = (dice: Dice): Promise<Outcome> => {
  const object =
    dice.below(2) === 0
      ? gzipSync(mutatedBytes(Buffer.concat([lines, lines]), dice))
      : mutatedBytes(goodList, dice);
  return refusal(async () => {
    for await (const { key: name, size, etag } of readObjectList(Readable.from([object]), 'x'))
      assert.deepEqual(
        [typeof name, Number.isSafeInteger(size), typeof etag],
        ['string', true, 'string'],
      );
  });
};

const dump = (dice: Dice): Promise<Outcome> => {
  const text = mutatedBytes(gunzipSync(goodDump), dice);
  const cut = dice.below(text.length + 1);
  return refusal(async () => {
    for await (const statements of readDump(
      Readable.from([text.subarray(0, cut), text.subarray(cut)]),
    ))
      for (const statement of statements)
        if (statement.kind === 'create') assert.match(statement.sql, /^CREATE /);
  });
};

const databag = (dice: Dice): Promise<Outcome> => {
  const good = {
    ...{ bucket: 'backups', endpoint: 'https://s3.test', region: 'eu', path: 'a/b' },
    ...{ 'access-key': 'AK', 'secret-key': 'hushhush', 's3-uri-style': 'path' },
    ...{ attributes: '["x-amz-acl=private"]', 'tls-ca-chain': '' },
  };
  const changed = mutatedValue({ ...good, ...dice.among(hostileS3)[1] }, dice);
  const data = textsOf(dice.below(4) === 0 ? mutatedValue(good, dice) : changed);
  return refusal(() => {
    const read = readS3Location('s3', data, undefined, undefined);
    assert.ok(isBucket(read.bucket));
    assert.match(new URL(read.endpoint).protocol, /^https?:$/);
    assert.doesNotMatch(read.path ?? '', /(^|\/)\.{1,2}(\/|$)|[^\w.~/-]/);
    for (const [name, value] of Object.entries(read.attributes))
      assert.doesNotMatch(name + value, /[\r\n]/);
  });
};

const objectStorage = (dice: Dice): Promise<Outcome> => {
  const yaml =
    'access-key: minio\nnamespace: kubeflow\nport: 9000\nsecret-key: AB12\nsecure: false\nservice: minio\n';
  const data = mutatedBytes(Buffer.from(yaml), dice).toString('utf8');
  return refusal(() => {
    assert.match(new URL(readObjectStorage('minio', { data }).endpoint).protocol, /^https?:$/);
  });
};

const config = (dice: Dice): Promise<Outcome> => {
  const good = {
    ...{ components: 'kfp-db,mlmd', bucket: 'backups', path: 'a/b', 'bandwidth-limit': '20M' },
    ...{ transfers: 16, 'source-buckets': 'mlpipeline', 'database-units': 2, 'keep-last': 3 },
    ...{ 'juju-credentials': 'secret:x', schedule: '0 2 * * *', 'run-deadline': '12h' },
  };
  return refusal(() => {
    const read = parseConfig(recordOf(mutatedValue(good, dice)));
    for (const bucket of read.sourceBuckets) assert.ok(isBucket(bucket));
    assert.ok(read.transfers >= 1 && read.transfers <= 256);
  });
};

const reply = (dice: Dice): Promise<Outcome> => {
  const xml =
    '<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a%20b</Key><Size>3</Size><ETag>&quot;x&#x41;&quot;</ETag></Contents></ListBucketResult>' +
    '<Error><Code>SlowDown</Code><Message>Reduce your rate</Message><Region>eu</Region></Error>';
  const text = mutatedBytes(Buffer.from(xml), dice).toString('utf8');
  return refusal(() => {
    for (const entry of elementsOf(text, 'Contents')) textOf(entry, 'Key');
    const failure = new S3Failure(503, text, {});
    assert.ok(failure.code.length <= 60 && failure.message.length <= 150);
  });
};

const kinds: readonly (readonly [name: string, play: (dice: Dice) => Promise<Outcome>])[] = [
  ['manifest', manifest],
  ['list', list],
  ['dump', dump],
  ['databag of s3', databag],
  ['databag of object-storage', objectStorage],
  ['options', config],
  ['reply of S3', reply],
];

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

/** Juju's databags hold texts only. */
const textsOf = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(recordOf(value)).flatMap(([name, inner]) =>
      typeof inner === 'string' ? [[name, inner]] : [],
    ),
  );
