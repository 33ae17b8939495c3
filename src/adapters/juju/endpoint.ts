import { isIPv6 } from 'node:net';
import { CharmError } from '../../errors.ts';

const defaultPort = 17070;

/**
 * The address of a model's API. Takes `host`, `host:port`, `[IPv6]:port` and an IPv6 address without brackets, as
 * operators write them and as JUJU_API_ADDRESSES and agent.conf hold them.
 */
export const jujuUrl = (endpoint: string, modelUuid: string): URL => {
  const url = URL.parse(`wss://${withPort(endpoint.trim())}/model/${modelUuid}/api`);
  if (url && !/[/?#@\s]/.test(endpoint.trim())) return url;
  throw new CharmError(
    'juju-credentials-invalid',
    `"${endpoint}" is not the address of a Juju controller. Give endpoints as host:port, separated by commas, in the secret of the option juju-credentials.`,
  );
};

const withPort = (endpoint: string): string => {
  if (isIPv6(endpoint)) return `[${endpoint}]:${defaultPort}`;
  const [, host = '', port] = /^(.*):(\d+)$/.exec(endpoint) ?? [];
  if (isIPv6(host)) return `[${host}]:${port ?? defaultPort}`;
  return port === undefined ? `${endpoint}:${defaultPort}` : endpoint;
};
