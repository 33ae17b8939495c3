import assert from 'node:assert/strict';
import { needsVolumeTools } from '../rigs/needs.ts';
import type { Moment } from './moments.ts';
import { testRig } from './test-rig.ts';
import { type VolumeRig, openVolumeRig, playVolumeRound } from './volume-round.ts';

/** `npm run reliability -- --volumes` has all moments there are. */
const moments: readonly (readonly [string, string])[] = [
  ['while it makes a repository', 's3 PutObject volumes/repos/alice/config'],
  ['between a Job and its Secret', 'kubernetes POST /api/v1/namespaces/alice/secrets'],
  ['before it says that it has ended', 's3 PutObject volumes/sessions/<id>'],
];

describe('a session of volumes that is killed', () => {
  const rigOf = testRig();
  let opened: VolumeRig | undefined;
  before(async function () {
    await needsVolumeTools(this);
    opened = await openVolumeRig(rigOf());
  });
  after(async () => opened?.[Symbol.asyncDispose]());

  for (const [words, what] of moments)
    it(`${words} is ended by the next hook, and the next one succeeds`, async () => {
      const at: Moment = { what, when: 'before', nth: what.includes('sessions') ? 3 : 1 };
      assert.ok(opened);
      const blow = { at, signal: 'SIGKILL', next: 'update-status' } as const;
      const { struck } = await playVolumeRound(opened, blow, { volumes: 'alice/*' });
      assert.ok(struck);
    });
});
