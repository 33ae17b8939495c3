import assert from 'node:assert/strict';
import { needsVolumeTools } from '../rigs/needs.ts';
import type { Moment } from './moments.ts';
import { randomFrom } from './plan.ts';
import { testRig } from './test-rig.ts';
import { playPodRound } from './volume-pods.ts';
import { type VolumeRig, openVolumeRig, playVolumeRound } from './volume-round.ts';

/** `npm run reliability -- --volumes` has all moments there are, and `--pods` all kinds of work. */
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

  it('has pods that are killed, evicted and deleted, and what ends well is whole', async () => {
    assert.ok(opened);
    const random = randomFrom(2);
    for (const work of ['a restore into a folder', 'a backup'] as const) {
      const { struck } = await playPodRound(opened, { work, every: 600, blows: 2, random });
      assert.ok(struck.length > 0);
    }
  });
});
