import assert from 'node:assert/strict';
import { startUnitAgent } from '../servers/unit-agent/unit-agent.ts';
import { newSecret } from '../servers/unit-agent/state.ts';
import {
  databags,
  jujuPassword,
  kubernetesToken,
  minioKey,
  relations,
  secretKey,
  unitWith,
  userSecret,
} from './world-of-relations.ts';

const urlSecret = 'd3n8r2e5kg0c73fhvurl';
const notifyUrl = 'tps://chat.example.com/hooks/2Yk9xQ';

/** A secret in every form that it could slip through in. */
const forms = (secret: string): readonly string[] => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  Buffer.from(secret).toString('base64'),
  encodeURIComponent(secret),
];

// The end-to-end tests look for the box's credentials in all that its actions say.
describe('nothing secret of a hook', () => {
  it('stands on a command line, in a log, a status, a result or on stdout and stderr', async () => {
    const state = unitWith(
      [
        relations.s3({ ...databags.track1, endpoint: 'http://[::1]:1' }),
        relations.minio(),
        relations.kfpDb(databags.mysql84),
        relations.katibDb(),
      ],
      {
        config: { 'juju-credentials': `secret:${userSecret}`, 'notify-url': `secret:${urlSecret}` },
      },
    );
    state.secrets.push(newSecret(urlSecret, 'user', { url: notifyUrl }, ['ckf-backup']));
    const content = { username: 'backup', password: jujuPassword };
    state.secrets.push(newSecret(userSecret, 'user', content, ['ckf-backup']));
    await using agent = await startUnitAgent({ state });
    await agent.attachStorage('journal');
    const runs = [
      await agent.dispatch({ hook: 'config-changed' }),
      await agent.dispatch({ hook: 'kfp-db-relation-changed', relation: 7 }),
      await agent.dispatch({ hook: 'update-status' }),
    ];
    const seen = JSON.stringify([runs, state.unitStatus, state.applicationStatus]);
    for (const secret of [secretKey, jujuPassword, minioKey, kubernetesToken, notifyUrl])
      for (const form of forms(secret))
        assert.ok(!seen.includes(JSON.stringify(form).slice(1, -1)), `${form} was seen`);
    // It was read, and is one more thing that is wrong, because it is no web address.
    assert.ok(runs.every(({ calls }) => JSON.stringify(calls).includes(`secret:${urlSecret}`)));
    assert.match(state.unitStatus.message, /\(and 1 more\)/);
    // The databases did get it, or this test would prove nothing.
    assert.ok(JSON.stringify(state.relations).includes(JSON.stringify(secretKey).slice(1, -1)));
  });
});
