import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { startUnitAgent } from '../servers/unit-agent.ts';
import { newUnit } from '../servers/unit-agent-state.ts';
import { relations, unitWith } from './world-of-relations.ts';

const relationHooks = (
  [
    ['s3-credentials', 4],
    ['object-storage', 5],
    ['kfp-db', 7],
    ['katib-db', 8],
  ] as const
).flatMap(([endpoint, relation]) => [
  // A relation's last hook comes first here: no order may matter.
  { hook: `${endpoint}-relation-broken`, relation },
  { hook: `${endpoint}-relation-changed`, relation, remoteUnit: 'other/0' },
]);

const lifecycle = ['stop', 'a-hook-of-the-future'];

/** Relations with all data, and without any. */
const full = () => [relations.s3(), relations.minio(), relations.kfpDb(), relations.katibDb()];
const empty = () => [
  relations.s3({}),
  relations.minio({}),
  relations.kfpDb({}),
  relations.katibDb({}),
];

// In memory, tests/charm.test.ts goes through all hooks with all states; here is what only real processes can show.
describe('a hook, through the real dispatch,', () => {
  for (const [when, leader, related, hooks] of [
    ['with all data there', true, full, [...relationHooks, ...lifecycle.map((hook) => ({ hook }))]],
    ['with empty databags', true, empty, relationHooks.slice(0, 3)],
    ['on a unit that does not lead', false, full, relationHooks.slice(1, 5)],
  ] as const)
    it(`exits 0, prints nothing and asks Juju for nothing that it refuses, ${when}`, async () => {
      const state = unitWith(related(), { leader });
      await using agent = await startUnitAgent({ state });
      await agent.attachStorage('journal');
      for (const event of hooks) {
        const { exitCode, stdout, stderr, calls } = await agent.dispatch(event);
        assert.deepEqual([event.hook, exitCode, stdout, stderr], [event.hook, 0, '', '']);
        assert.deepEqual(
          calls.filter((call) => call.exitCode !== 0),
          [],
        );
      }
      for (const { localUnitData, localApplicationData } of state.relations) {
        assert.deepEqual(localUnitData, {});
        if (!leader) assert.deepEqual(localApplicationData, {});
      }
    }).timeout(60_000);

  it('says what a unit that was just deployed needs', async () => {
    const state = newUnit();
    await using agent = await startUnitAgent({ state });
    await agent.attachStorage('journal');
    await agent.dispatch({ hook: 'install' });
    assert.equal(state.unitStatus.status, 'blocked');
    assert.match(state.unitStatus.message, /juju config ckf-backup juju-credentials=/);
    assert.deepEqual(state.applicationStatus, state.unitStatus);
    assert.equal(state.workloadVersion, '0.1.0');
  });

  it('gets along without its storage', async () => {
    const state = newUnit();
    await using agent = await startUnitAgent({ state });
    await rm(await agent.attachStorage('journal'), { recursive: true });
    const { exitCode } = await agent.dispatch({ hook: 'update-status' });
    assert.equal(exitCode, 0);
    assert.equal(state.unitStatus.status, 'blocked');
  });
});
