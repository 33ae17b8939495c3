import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type UnitAgentState, newSecret } from '../servers/unit-agent/state.ts';
import { anyDatabag, anyOptions, anySecret, notForOperators } from '../rigs/any-state.ts';
import { visibleState } from './expected-state.ts';
import { relationEvents } from './hook-events.ts';
import { type Lane, giveCredentials, openLane } from './lane.ts';
import { databags, relations, s3Secret, unitWith } from './world-of-relations.ts';

describe('a hook, through the real dispatch,', () => {
  let lane: Lane;
  before(async () => {
    lane = await openLane();
  });
  after(() => lane[Symbol.asyncDispose]());

  // In memory, tests/hooks/reconcile-anything.test.ts does the same many times more.
  it('exits 0 with a sensible status, whatever databags, secrets and options hold', async () => {
    const events = [{ hook: 'config-changed' }, { hook: 'update-status' }, ...relationEvents];
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          ...{ s3: anyDatabag, minio: anyDatabag, kfp: anyDatabag, katib: anyDatabag },
          ...{ options: anyOptions, login: anySecret, keys: anySecret },
          event: fc.constantFrom(...events),
          leader: fc.boolean(),
        }),
        async ({ s3, minio, kfp, katib, options, login, keys, event, leader }) => {
          const related = [
            ...[relations.s3(s3), relations.minio(minio)],
            ...[relations.kfpDb(kfp), relations.katibDb(katib)],
          ];
          const state = unitWith(related, {
            leader,
            secrets: [newSecret(s3Secret, 's3-integrator', keys, ['ckf-backup'])],
          });
          giveCredentials(state, login);
          // Juju ensures that this option is a secret's URI.
          const credentials = state.config['juju-credentials']!;
          state.config = { ...options, 'juju-credentials': credentials };
          const { after, dispatch } = await lane.run(state, event);
          const { exitCode, stdout, stderr } = dispatch;
          assert.deepEqual([exitCode, stdout, stderr], [0, '', '']);
          const { status, message } = after.unitStatus;
          assert.ok(['active', 'blocked', 'waiting'].includes(status), status);
          assert.doesNotMatch(message.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""'), notForOperators);
          if (!leader) assert.deepEqual(visibleState(after).databags, visibleState(state).databags);
        },
      ),
      // To look for a smaller case would take longer than a test may.
      { numRuns: 30, endOnFailure: true },
    );
  });

  const withToolFailure = (tool: string, words: string): UnitAgentState => {
    const state = unitWith([
      ...[relations.s3(databags.track2), relations.minio()],
      ...[relations.kfpDb(), relations.katibDb(databags.mysql84)],
    ]);
    giveCredentials(state);
    state.toolFailures = { [tool]: words };
    return state;
  };

  const readers = ['is-leader', 'config-get', 'relation-ids', 'relation-get', 'relation-list'];
  const others = ['relation-set', 'secret-get', 'secret-add', 'storage-list', 'storage-get'];
  for (const tool of [...readers, ...others])
    it(`tells with the status what ${tool} said that nobody knows, and does not fail`, async () => {
      const state = withToolFailure(tool, 'the moon is in the wrong quarter');
      const { after, dispatch } = await lane.run(state, { hook: 'config-changed' });
      const { exitCode, stdout, stderr } = dispatch;
      assert.deepEqual([exitCode, stdout, stderr], [0, '', '']);
      const { status, message } = after.unitStatus;
      assert.equal(status, 'waiting');
      assert.ok(message.includes(`${tool} failed`), message);
      assert.ok(message.includes('the moon is in the wrong quarter'), message);
    });

  it('fails with the words of status-set when that fails, and Juju keeps nothing of it', async () => {
    const state = withToolFailure('status-set', 'cannot talk to the agent: EOF');
    const { after, dispatch } = await lane.run(state, { hook: 'config-changed' });
    assert.equal(dispatch.exitCode, 1);
    assert.equal(dispatch.stdout, '');
    assert.match(
      dispatch.stderr,
      new RegExp(
        "^Unexpected failure: Juju's status-set failed with exit status 1: cannot talk to the agent: EOF[^\\n]*\\n$",
      ),
    );
    assert.deepEqual(visibleState(after), visibleState(state));
  });
});
