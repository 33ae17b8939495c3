import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoredObject } from '../servers/kubernetes/stored-object.ts';
import type { Box } from '../sandbox/box.ts';
import { type UserVolumes, addVolumes } from '../sandbox/box/volumes.ts';
import { copyOfBox } from './copy-of-box.ts';

/**
 * A box with users and their volumes, for all tests of a `describe`. `times`: the seconds of the
 * charm and of the cluster are so many times as short, for waits of minutes. `units`: of
 * ckf-backup.
 */
export const boxWithVolumes = (
  times = 1,
  units = 1,
): (() => { readonly box: Box; readonly volumes: UserVolumes }) => {
  let opened: { readonly box: Box; readonly volumes: UserVolumes } | undefined;
  const directory = mkdtempSync(join(tmpdir(), 'volumes-'));
  before(async () => {
    const box = await copyOfBox({}, times === 1 ? {} : hurried(times), units);
    opened = { box, volumes: await addVolumes(box, directory) };
    opened.volumes.workloads.second = 1000 / times;
  });
  after(async () => {
    await opened?.volumes[Symbol.asyncDispose]();
    await opened?.box[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });
  return () => {
    if (opened === undefined) throw new Error('the box did not start');
    return opened;
  };
};

const hurried = (times: number) => ({
  NODE_OPTIONS: `--import=${new URL('../sandbox/fast-clock.js', import.meta.url).href}`,
  CLOCK_TIMES: String(times),
});

/** What of ours is in the cluster. */
export const ours = ({ workloads }: UserVolumes): readonly string[] =>
  (['jobs', 'pods', 'secrets'] as const).flatMap((kind) =>
    workloads.store
      .all(kind)
      .filter(({ metadata }) => metadata.labels?.['ckf-backup/session'] !== undefined)
      .map(({ metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`),
  );

/**
 * Nothing of ours is in the cluster, no session says that it runs, no repository is locked or lies
 * where another belongs, and nothing is half uploaded.
 */
export const assertEnded = ({ box, volumes }: { box: Box; volumes: UserVolumes }): void => {
  assert.deepEqual(ours(volumes), [], 'nothing of ours is left in the cluster');
  const { contents } = box.stores.target;
  const place = `${box.prefix}/volumes`;
  const keys = contents.objects('ckf-backups').map(({ key }) => key);
  const sessions = keys.filter((key) => key.startsWith(`${place}/sessions/`));
  const running = sessions.filter((key) =>
    contents.read('ckf-backups', key).includes('"phase":"Running"'),
  );
  assert.deepEqual(running, [], 'no session says that it runs');
  const locks = keys.filter((key) => key.startsWith(`${place}/repos/`) && key.includes('/locks/'));
  assert.deepEqual(locks, [], 'no repository is locked');
  const stray = keys.filter((key) =>
    /^\/repos\/(config$|(keys|data|index|snapshots)\/)/.test(key.slice(place.length)),
  );
  assert.deepEqual(stray, [], 'each repository is where its user has it');
  const { uploads } = contents.bucket('ckf-backups');
  assert.deepEqual([...uploads.values()], [], 'nothing is half uploaded');
};

/** All that an object says, the values of a Secret decoded. */
export const wordsOf = (object: StoredObject): string =>
  [
    JSON.stringify(object),
    ...Object.values(object.data ?? {}).map((text) => Buffer.from(text, 'base64').toString()),
  ].join('\n');
