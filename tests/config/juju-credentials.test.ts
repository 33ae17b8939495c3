import assert from 'node:assert/strict';
import { readJujuCredentials } from '../../src/config/juju-credentials.ts';
import { parseConfig } from '../../src/config/config.ts';
import { type ErrorCode, hasCode } from '../../src/errors.ts';
import type { Databag } from '../../src/world.ts';
import { FakeHookTools } from '../fakes/hook-tools.ts';

const id = 'secret:d3n8r2e5kg0c73fhvb10';

const read = (content: Databag | undefined, granted = true, option = id) => {
  const tools = new FakeHookTools();
  if (content !== undefined) tools.secrets.set(id, { content, granted, grants: [] });
  const config = parseConfig({ 'juju-credentials': option });
  return readJujuCredentials(tools, config, 'ckf-backup', 'kubeflow');
};

const fails = (reading: Promise<unknown>, code: ErrorCode, command: string) =>
  assert.rejects(
    reading,
    (error) =>
      hasCode(error, code) && error.message.includes(command) && !/hush/.test(error.message),
  );

describe('the Juju credentials', () => {
  it('are a name and a password, exactly as they are', async () => {
    // `password#file=` gives what the file holds, and most files end with a line feed.
    assert.deepEqual(await read({ username: ' backup\n', password: ' hush \r\n' }), {
      username: 'backup',
      password: ' hush ',
      secret: id,
      endpoints: [],
      ca: undefined,
    });
  });

  it('may name the controller too', async () => {
    const secret = {
      username: 'u',
      password: 'hush',
      endpoints: 'a:17070, b:17070',
      'ca-cert': 'PEM\n',
    };
    const { endpoints, ca } = await read(secret);
    assert.deepEqual([endpoints, ca], [['a:17070', 'b:17070'], 'PEM']);
    // Not two that are then called unreachable: a blank where a comma belongs is a slip of the pen.
    assert.deepEqual((await read({ ...secret, endpoints: 'a b' })).endpoints, ['a b']);
  });

  it('are asked for with all commands while the option is not set', () =>
    fails(read({}, true, ''), 'juju-credentials-missing', 'juju grant ckf-backup write kubeflow;'));

  it('are to be granted when they are not', () =>
    fails(
      read({ username: 'u', password: 'hush' }, false),
      'juju-credentials-not-granted',
      `juju grant-secret ${id} ckf-backup`,
    ));

  it('are to be named again when there is no such secret', () =>
    fails(read(undefined), 'juju-credentials-missing', 'juju config ckf-backup juju-credentials='));

  for (const [secret, missing] of [
    [{ password: 'hush' }, 'no username'],
    [{ username: 'hush' }, 'no password'],
    [{ username: ' ', password: '' }, 'no username and no password'],
  ] as const)
    it(`are to be completed when they have ${missing}`, async () => {
      await fails(read(secret), 'juju-credentials-invalid', missing);
      await fails(read(secret), 'juju-credentials-invalid', `juju update-secret ${id}`);
    });
});
