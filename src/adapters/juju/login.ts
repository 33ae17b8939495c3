import { Ajv } from 'ajv';
import { CharmError } from '../../errors.ts';
import { says } from '../../wordings.ts';
import type { JujuModel } from '../../world.ts';
import { JujuRpcError } from './errors.ts';
import type { JujuRpc } from './rpc.ts';

export interface JujuAccount {
  readonly username: string;
  readonly password: string;
  /** The URI of the secret that both come from, for the commands in messages. */
  readonly secret: string;
  /** The name is for the commands in messages. */
  readonly model: { readonly name: string; readonly uuid: string };
}

export interface JujuLogin {
  readonly access: JujuModel['access'];
  readonly controllerVersion: string;
  /** facade -> the versions that the controller offers */
  readonly facades: ReadonlyMap<string, readonly number[]>;
}

/**
 * Logs a local user in with its password (Admin v3, which all controllers from 2.9 to 4.0 have). No
 * error holds anything of the request.
 */
export const logIn = async (rpc: JujuRpc, account: JujuAccount): Promise<JujuLogin> => {
  const reply = await rpc
    .call({
      type: 'Admin',
      request: 'Login',
      version: 3,
      params: {
        'auth-tag': `user-${account.username}`,
        credentials: account.password,
        nonce: '',
        macaroons: [],
        'user-data': '',
        'client-version': '3.6.0',
      },
    })
    .catch((error: unknown) => {
      throw refusal(error, account);
    });
  if (!isLoginReply(reply))
    throw new CharmError(
      'juju-refused',
      'What answered the login is not a Juju controller. Check the endpoints in the secret of the option juju-credentials.',
      {
        brief: {
          what: 'That is no Juju controller',
          run: `juju update-secret ${account.secret} endpoints=<host:port>`,
        },
      },
    );
  if (reply['discharge-required'] != null || reply['user-info'] == null)
    throw new CharmError(
      'juju-login-refused',
      `Juju wants the user ${account.username} to log in with a browser, because it is not a local user of this controller. Create one: juju add-user ckf-backup; juju change-user-password ckf-backup; juju grant ckf-backup write ${account.model.name}; then juju update-secret ${account.secret} username=ckf-backup password#file=<file with it>`,
      { brief: { what: `${account.username} is no local user`, run: 'juju add-user ckf-backup' } },
    );
  const granted = reply['user-info']['model-access'];
  return {
    access: granted === 'admin' || granted === 'write' ? granted : 'read',
    controllerVersion: reply['server-version'] ?? 'unknown',
    facades: new Map(reply.facades?.map(({ name, versions }) => [name, versions ?? []])),
  };
};

const refusal = (error: unknown, { username, model, secret }: JujuAccount): unknown => {
  if (!(error instanceof JujuRpcError)) return error;
  const options = { cause: error };
  if (error.code === 'unauthorized access' && says(error.message, 'noModelAccess'))
    return new CharmError(
      'juju-login-refused',
      `The Juju user ${username} has no access to the model ${model.name}. Give it write access: juju grant ${username} write ${model.name}`,
      {
        ...options,
        brief: {
          what: `${username} has no access`,
          run: `juju grant ${username} write ${model.name}`,
        },
      },
    );
  if (['unauthorized access', 'login expired', 'no credentials provided'].includes(error.code))
    return new CharmError(
      'juju-login-refused',
      `Juju refused the login of the user ${username} (${error.message}): the name or password is wrong, or the user is disabled. Set a password: juju change-user-password ${username}; juju update-secret ${secret} username=${username} password#file=<file with it>`,
      {
        ...options,
        brief: {
          what: `Login of ${username} refused`,
          run: `juju change-user-password ${username}`,
        },
      },
    );
  if (error.code === 'model not found')
    return new CharmError(
      'juju-login-refused',
      `The controller does not know the model ${model.name} (${model.uuid}). Check the endpoints in the secret of the option juju-credentials; without them the unit's own controller is asked.`,
      {
        ...options,
        brief: {
          what: `No model ${model.name} there`,
          run: `juju update-secret ${secret} endpoints=<host:port>`,
        },
      },
    );
  if (error.code === 'redirection required')
    return new CharmError(
      'juju-unreachable',
      `The model ${model.name} has moved to another controller. Juju tells this unit the new addresses by itself; if the secret of the option juju-credentials holds endpoints, change them there.`,
      {
        ...options,
        brief: { what: `The model ${model.name} has moved`, run: `juju show-model ${model.name}` },
      },
    );
  if (error.code === 'not supported' || error.code === 'not implemented')
    return new CharmError(
      'juju-login-refused',
      `This controller does not let local users log in with a password (${error.message}). Let the endpoints in the secret of the option juju-credentials name the model's own controller and not JAAS.`,
      {
        ...options,
        brief: {
          what: 'No logins by password there',
          run: `juju update-secret ${secret} endpoints=<host:port>`,
        },
      },
    );
  return error;
};

interface LoginReply {
  readonly 'discharge-required'?: unknown;
  readonly 'server-version'?: string;
  readonly 'user-info'?: { readonly 'model-access': string } | null;
  readonly facades?:
    { readonly name: string; readonly versions: readonly number[] | null }[] | null;
}

const isLoginReply = new Ajv({ allowUnionTypes: true }).compile<LoginReply>({
  type: 'object',
  properties: {
    'server-version': { type: 'string' },
    'user-info': {
      type: ['object', 'null'],
      properties: { 'model-access': { type: 'string' } },
      required: ['model-access'],
    },
    facades: {
      type: ['array', 'null'],
      items: {
        type: 'object',
        properties: {
          name: { type: 'string' },
          versions: { type: ['array', 'null'], items: { type: 'integer' } },
        },
        required: ['name', 'versions'],
      },
    },
  },
});
