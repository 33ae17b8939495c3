import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { startUnitAgent } from '../servers/unit-agent/unit-agent.ts';
import { newRelation, newSecret, newUnit } from '../servers/unit-agent/state.ts';

describe('a hook, through the real dispatch,', () => {
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

  for (const version of ['4.0.15', '4.1-beta2'])
    it(`waits for a storage that is listed and not mounted yet, as of an added unit on Juju ${version}`, async () => {
      const state = newUnit({ unit: 1, leader: false, jujuVersion: version });
      await using agent = await startUnitAgent({ state });
      await agent.attachStorage('journal');
      const [journal] = state.storage['journal'] ?? [];
      assert.ok(journal);
      journal.mounted = false;
      for (const hook of ['install', 'config-changed']) {
        const { exitCode, stderr } = await agent.dispatch({ hook });
        assert.deepEqual([exitCode, stderr], [0, '']);
      }
      state.relations.push(newRelation(5, 'object-storage', 'minio'));
      assert.doesNotMatch(state.unitStatus.message, /journal-unavailable/);
    });

  it('says nothing alarming about its journal while the unit is taken away', async () => {
    const state = newUnit({ unit: 1, leader: false, jujuVersion: '4.0.15' });
    state.config['components'] = 'mlmd';
    state.credential = { endpoint: 'https://127.0.0.1:9', ca: 'PEM', token: 'T' };
    state.relations.push(
      newRelation(4, 's3-credentials', 's3-integrator', {
        ...{ bucket: 'bkt', endpoint: 'http://127.0.0.1:9', 'access-key': 'a', 'secret-key': 's' },
      }),
    );
    await using agent = await startUnitAgent({ state });
    for (const hook of [
      'journal-storage-detaching',
      'config-changed',
      's3-credentials-relation-departed',
    ])
      assert.equal((await agent.dispatch({ hook })).exitCode, 0);
    const { status, message } = state.unitStatus;
    assert.equal(status, 'waiting');
    assert.match(message, /journal is not mounted.*\[journal-pending\]/);
  });

  it('removes a revision of a secret of ours that nobody reads any more', async () => {
    const state = newUnit();
    const id = 'd3n8r2e5kg0c73fhvown';
    const secret = newSecret(id, 'ckf-backup', { 'secret-key': 'old' }, ['kfp-db']);
    secret.revisions.push({ 'secret-key': 'new' });
    state.secrets.push(secret);
    await using agent = await startUnitAgent({ state });
    await agent.attachStorage('journal');
    const hook = { hook: 'secret-remove', secret: { id, revision: 1 } };
    assert.equal((await agent.dispatch(hook)).exitCode, 0);
    assert.deepEqual(state.secrets[0]?.revisions, [{}, { 'secret-key': 'new' }]);
    assert.deepEqual(state.secrets[0].removed, [1]);
    state.leader = false;
    assert.equal((await agent.dispatch(hook)).exitCode, 0);
    assert.deepEqual(state.secrets[0].removed, [1]);
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
