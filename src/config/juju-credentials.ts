import { CharmError, hasCode } from '../errors.ts';
import type { Databag, HookTools } from '../world.ts';
import type { Config } from './config.ts';

/** The Juju user of this charm, and what the secret says of the controller. */
interface JujuCredentials {
  readonly username: string;
  readonly password: string;
  /** The URI of the secret. */
  readonly secret: string;
  readonly endpoints: readonly string[];
  readonly ca: string | undefined;
}

/**
 * Reads the secret of the option juju-credentials, in its newest revision. Every way in which it
 * can be wrong has its own code, and the command that corrects it: `juju-credentials-missing`,
 * `juju-credentials-not-granted`, `juju-credentials-invalid`.
 */
export const readJujuCredentials = async (
  tools: HookTools,
  config: Config,
  application: string,
  model: string,
): Promise<JujuCredentials> => {
  const id = config.jujuCredentials;
  if (id === undefined)
    throw new CharmError(
      'juju-credentials-missing',
      `The option juju-credentials is not set. Run: juju add-user ${application}; juju change-user-password ${application}; juju grant ${application} write ${model};` +
        ` juju add-secret juju-user username=${application} password#file=<file with it>; juju grant-secret juju-user ${application};` +
        ` juju config ${application} juju-credentials=<the secret's URI>`,
      {
        brief: {
          what: 'juju-credentials is not set',
          run: `juju config ${application} juju-credentials=<secret>`,
        },
      },
    );
  const secret = await readSecret(tools, id, application);
  const { username = '', password = '' } = secret;
  const missing = Object.entries({ username, password }).flatMap(([key, value]) =>
    value.trim() === '' ? [key] : [],
  );
  if (missing.length > 0)
    throw new CharmError(
      'juju-credentials-invalid',
      `The secret of the option juju-credentials has no ${missing.join(' and no ')}. Run: juju update-secret ${id} username=<user> password#file=<file with it>`,
      {
        brief: {
          what: `secret without ${missing.join(', ')}`,
          run: `juju update-secret ${shortUri(id)} username=… password#file=…`,
        },
      },
    );
  return {
    username: username.trim(),
    // A file that was given with `password#file=` most often ends with one.
    password: password.replace(/\r?\n$/, ''),
    secret: id,
    endpoints: (secret['endpoints'] ?? '')
      .split(',')
      .map((endpoint) => endpoint.trim())
      .filter((endpoint) => endpoint !== ''),
    ca: secret['ca-cert']?.trim() || undefined,
  };
};

const readSecret = async (tools: HookTools, id: string, application: string): Promise<Databag> => {
  try {
    return await tools.secret(id);
  } catch (cause) {
    if (hasCode(cause, 'juju-credentials-not-granted'))
      throw new CharmError(
        'juju-credentials-not-granted',
        `The secret of the option juju-credentials is not granted to us. Run: juju grant-secret ${id} ${application}`,
        {
          cause,
          brief: {
            what: 'secret not granted',
            run: `juju grant-secret ${shortUri(id)} ${application}`,
          },
        },
      );
    if (hasCode(cause, 'juju-credentials-missing'))
      throw new CharmError(
        'juju-credentials-missing',
        `The option juju-credentials names ${id}, which does not exist in this model. Run: juju secrets; juju config ${application} juju-credentials=<the secret's URI>`,
        {
          cause,
          brief: {
            what: 'no such secret',
            run: `juju config ${application} juju-credentials=<secret>`,
          },
        },
      );
    if (hasCode(cause, 'juju-tool-failed'))
      throw new CharmError(
        'juju-tool-failed',
        `${cause.message} It was asked for the secret of the option juju-credentials; if that is not granted: juju grant-secret ${id} ${application}`,
        {
          cause,
          brief: {
            what: 'Cannot read the secret',
            run: `juju grant-secret ${shortUri(id)} ${application}`,
          },
        },
      );
    throw cause;
  }
};

/** Without the name of the model that Juju 4 adds, which is always this one. */
const shortUri = (uri: string): string => uri.replace(/^secret:\/\/[^/]+\//, 'secret:');
