import assert from 'node:assert/strict';
import { chooseFacade } from '../../../src/adapters/juju/facades.ts';
import { dialJuju } from '../../../src/adapters/juju/rpc.ts';
import { hasCode } from '../../../src/errors.ts';
import { openJujuRig } from '../../rigs/juju.ts';

describe('choosing the version of a facade', () => {
  it('takes the newest that both sides know, and says so when there is none', async () => {
    await using rig = await openJujuRig();
    const ended = new AbortController();
    const { endpoint, ca } = rig.controller;
    const rpc = await dialJuju(new URL(`wss://${endpoint}/api`), {
      ca,
      clock: rig.clock,
      signal: ended.signal,
    });
    assert.equal(chooseFacade('Application', [15, 18, 19, 20], rpc, '3.5.4')['VERSION'], 19);
    assert.equal(chooseFacade('Application', [15, 16, 17], rpc, '3.1.9')['VERSION'], 15);
    for (const [offered, words] of [
      [[98, 99], /Juju 9\.0\.0: it offers version 98, 99 of the facade Client, .* version 2, /],
      [[], /no version/],
    ] as const)
      assert.throws(
        () => chooseFacade('Client', offered, rpc, '9.0.0'),
        (error) => hasCode(error, 'juju-refused') && words.test(error.message),
      );
    ended.abort();
  });
});
