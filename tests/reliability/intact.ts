import { parseManifest } from '../../src/repository/stored-manifest.ts';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { ListedObject } from '../../src/repository/object-list.ts';
import type { Box } from '../sandbox/box.ts';

/** The ids of the sets that have a manifest, oldest first. */
export const setsIn = (box: Box): readonly string[] =>
  box.stores.target.contents
    .keys(box.stores.backups.bucket, `${box.prefix}/sets/`)
    .filter((key) => key.endsWith('/manifest.json'))
    .map((key) => key.split('/').at(-2) ?? '');

/**
 * Fails unless all that a set consists of lies in the bucket, byte by byte where there is a
 * checksum. Looks into the server's own files.
 */
export const assertIntact = (
  box: Box,
  id: string,
  components: readonly string[] = ['kfp-db', 'katib-db', 'mlmd', 'mlpipeline'],
): void => {
  const { contents } = box.stores.target;
  const { bucket } = box.stores.backups;
  const place = `${box.prefix}/sets/${id}/manifest.json`;
  const manifest = parseManifest(contents.read(bucket, place).toString(), place);
  assert.deepEqual(manifest.components, components);
  const proven = (key: string, sha256: string): Buffer => {
    const bytes = contents.read(bucket, key);
    assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256, key);
    return bytes;
  };
  assert.deepEqual(
    manifest.databases.map(({ component }) => component),
    components.filter((component) => component.endsWith('-db')),
  );
  for (const { path = '', backupId, objects } of manifest.databases)
    assert.equal(contents.keys(bucket, `${path}/${backupId}`).length, objects, `${id}: ${path}`);
  assert.ok(manifest.mlmd);
  proven(manifest.mlmd.key, manifest.mlmd.sha256);
  for (const { bucket: source, list, objects } of manifest.buckets) {
    const lines = gunzipSync(proven(list.key, list.sha256)).toString().trim().split('\n');
    assert.equal(lines.length, objects);
    for (const line of lines) assertThere(box, source, JSON.parse(line) as ListedObject, id);
  }
};

const assertThere = (
  { stores, prefix }: Box,
  source: string,
  { key, size, etag, mirrorEtag = etag }: ListedObject,
  id: string,
): void => {
  const { contents } = stores.target;
  const find = (name: string) => contents.object(stores.backups.bucket, `${prefix}/${name}`);
  const mirrored = find(`${source}/${key}`);
  const found =
    mirrored?.etag === mirrorEtag ? mirrored : find(`history/${source}/${key}/${mirrorEtag}`);
  assert.equal(found?.size, size, `the set ${id} lists ${key}, and its bytes are not there`);
};
