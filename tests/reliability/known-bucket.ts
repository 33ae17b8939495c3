import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import type { ListedObject } from '../../src/repository/object-list.ts';
import type { Box } from '../sandbox/box.ts';

const bucket = 'mlpipeline';

/** What a key had from a moment on; nothing is an object that was deleted. */
interface Version {
  readonly since: number;
  readonly etag: string | undefined;
}

/** From when to when a set was made. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A source bucket of which everything is remembered that it ever had, and when. */
export interface KnownBucket {
  put(key: string, content: Buffer): void;
  remove(key: string): void;
  /** The keys that it has now. */
  keys(): readonly string[];
  /** What somebody else has done to it counts from now on. */
  adopt(): void;
  /**
   * Fails unless each set is what the bucket was when it was made: each key that it had all the
   * time once, with the bytes that it had at some moment of the time, and no other.
   */
  assertExact(sets: ReadonlyMap<string, Span>): void;
  /** Fails unless the bucket has what the set lists, and of other keys what it had before. */
  assertRestored(id: string): void;
}

export const knownBucket = ({ stores, prefix }: Box): KnownBucket => {
  const { contents } = stores.minio;
  const versions = new Map<string, Version[]>();
  const bytes = new Map<string, Buffer>();
  const note = (key: string, since = performance.now()): void => {
    const etag = contents.object(bucket, key)?.etag;
    if (etag !== undefined) bytes.set(`${key} ${etag}`, contents.read(bucket, key));
    versions.set(key, [...(versions.get(key) ?? []), { since, etag }]);
  };
  for (const key of contents.keys(bucket)) note(key, 0);

  /** What the key may be in a set. */
  const possible = (key: string, { from, to }: Span): readonly (string | undefined)[] => {
    const all: readonly Version[] = [{ since: -1, etag: undefined }, ...(versions.get(key) ?? [])];
    return all
      .filter(({ since }, index) => since <= to && (all[index + 1]?.since ?? Infinity) >= from)
      .map(({ etag }) => etag);
  };

  const listOf = (id: string): readonly ListedObject[] =>
    gunzipSync(
      stores.target.contents.read(
        stores.backups.bucket,
        `${prefix}/sets/${id}/${bucket}.ndjson.gz`,
      ),
    )
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ListedObject);

  const storedBytes = ({ key, etag, mirrorEtag = etag }: ListedObject): Buffer => {
    const target = stores.target.contents;
    const mirrored = `${prefix}/${bucket}/${key}`;
    const isInMirror = target.object(stores.backups.bucket, mirrored)?.etag === mirrorEtag;
    const kept = `${prefix}/history/${bucket}/${key}/${mirrorEtag}`;
    return target.read(stores.backups.bucket, isInMirror ? mirrored : kept);
  };

  return {
    put(key, content) {
      contents.put(bucket, { key, content });
      note(key);
    },
    remove(key) {
      contents.remove(bucket, key);
      note(key);
    },
    keys: () => contents.keys(bucket),
    adopt() {
      for (const key of new Set([...versions.keys(), ...contents.keys(bucket)]))
        if (versions.get(key)?.at(-1)?.etag !== contents.object(bucket, key)?.etag) note(key);
    },
    assertExact(sets) {
      const read = new Set<string>();
      for (const [id, made] of sets) {
        const list = listOf(id);
        const listed = new Map(list.map((object) => [object.key, object]));
        assert.equal(listed.size, list.length, `${id} lists a key twice`);
        for (const key of new Set([...versions.keys(), ...listed.keys()])) {
          const etag = listed.get(key)?.etag;
          assert.ok(
            possible(key, made).includes(etag),
            `${id} lists ${key} as ${etag ?? 'nothing'}, which it was at no time of the backup`,
          );
        }
        for (const object of list) {
          const version = `${object.key} ${object.etag}`;
          if (read.has(version)) continue;
          read.add(version);
          const wanted = bytes.get(version);
          assert.ok(wanted && storedBytes(object).equals(wanted), `${id}: bytes of ${object.key}`);
        }
      }
    },
    assertRestored(id) {
      const wanted = new Map<string, string | undefined>();
      for (const [key, all] of versions) wanted.set(key, all.at(-1)?.etag);
      for (const { key, etag } of listOf(id)) wanted.set(key, etag);
      const there = new Set([...wanted].filter(([, etag]) => etag !== undefined));
      assert.equal(contents.keys(bucket).length, there.size);
      for (const [key, etag] of there) {
        assert.equal(contents.object(bucket, key)?.etag, etag, key);
        assert.deepEqual(contents.read(bucket, key), bytes.get(`${key} ${etag ?? ''}`), key);
      }
    },
  };
};
