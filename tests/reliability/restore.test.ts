import assert from 'node:assert/strict';
import type { Moment } from './moments.ts';
import { playRestoreRound, type RestoreRig, openRestoreRig } from './restore-round.ts';
import { rigMaker } from './rig.ts';
import type { Blow } from './strike.ts';

/**
 * When the process is killed, in words and as the box sees it. `npm run reliability -- --restore
 * --runs all` has all moments there are.
 */
const moments: readonly (readonly [string, Moment['when'], string, number, Blow['next']])[] = [
  ['while an object is uploaded in parts', 'after', 'minio UploadPart', 1, 'update-status'],
  [
    'while a database takes the place of the old one in the pod of mlmd',
    'before',
    'kubernetes EXEC mlmd-0/charm python3',
    3,
    'update-status',
  ],
  [
    'while a database is restored',
    'after',
    'juju Action.EnqueueOperation unit-kfp-db-0 restore',
    1,
    'new pod',
  ],
];

/** Each step is in restore/killed-anywhere, in memory; here a process is killed. */
describe('a restore on the box that is killed', () => {
  const resources = new AsyncDisposableStack();
  let restore: RestoreRig;
  before(async () => {
    const maker = resources.use(await rigMaker({ databaseUnits: 2 }));
    restore = await openRestoreRig(resources.use(await maker.make()));
  });
  after(() => resources.disposeAsync());

  for (const [words, when, what, nth, next] of moments)
    it(`${words} is put back by the next hook, and the next restore brings everything back`, async () => {
      const at = { what, when, nth };
      const { struck } = await playRestoreRound(restore, { at, signal: 'SIGKILL', next });
      assert.ok(struck);
    });
});
