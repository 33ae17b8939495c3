import { isIPv6 } from 'node:net';
import { CharmError, reasonOf } from '../../errors.ts';
import type { Clock } from '../../world.ts';
import { ConnectionLost } from './errors.ts';
import { type JujuRpc, dialJuju } from './rpc.ts';

interface DialOptions {
  /** PEM. Undefined: the system's CAs are used. */
  readonly ca: string | undefined;
  readonly clock: Clock;
  /** Closes what was opened. */
  readonly signal: AbortSignal;
}

interface Dial {
  readonly url: URL;
  readonly cancel: AbortController;
  readonly opening: Promise<JujuRpc>;
}

/** How long an address may be silent before the next one is tried too. */
const headStart = 300;

/**
 * Connects to the first of a controller's addresses that answers. One may be down, and some cannot
 * be reached from inside a pod. So each address is tried as soon as the one before has failed or
 * has been silent for a moment.
 *
 * @throws ConnectionLost that names every address; CharmError `juju-credentials-invalid` when no CA
 * that we have has signed their certificates
 */
export const dialFirst = async (
  urls: readonly URL[],
  options: DialOptions,
): Promise<{ readonly url: URL; readonly rpc: JujuRpc }> => {
  const dials: Dial[] = [];
  for (const url of urls) {
    options.signal.throwIfAborted();
    const dial = begin(url, options);
    dials.push(dial);
    if (await opensSoon(dial, options.clock)) break;
  }
  try {
    const first = await Promise.any(dials.map(async (dial) => ({ dial, rpc: await dial.opening })));
    for (const { cancel } of dials.filter((dial) => dial !== first.dial)) cancel.abort();
    return { url: first.dial.url, rpc: first.rpc };
  } catch (error) {
    options.signal.throwIfAborted();
    throw error instanceof AggregateError ? failure(dials, error.errors) : error;
  }
};

const begin = (url: URL, options: DialOptions): Dial => {
  const cancel = new AbortController();
  const signal = AbortSignal.any([options.signal, cancel.signal]);
  return { url, cancel, opening: dialJuju(url, { ...options, signal }) };
};

const opensSoon = async ({ opening }: Dial, clock: Clock): Promise<boolean> => {
  const settled = new AbortController();
  const silent = clock.sleep(headStart, settled.signal).catch(() => undefined);
  try {
    return await Promise.race([
      opening.then(
        () => true,
        () => false,
      ),
      silent.then(() => false),
    ]);
  } finally {
    settled.abort();
  }
};

const failure = (dials: readonly Dial[], errors: readonly unknown[]): Error => {
  const reasons = dials
    .map(({ url }, index) => `${url.host}: ${reasonOf(errors[index])}`)
    .join('; ');
  return errors.every(isUntrusted)
    ? new CharmError(
        'juju-credentials-invalid',
        `The certificate of the Juju controller was not signed by the CA that we have (${reasons}). Correct ca-cert in the secret of the option juju-credentials; it belongs to the controller that the endpoints name.`,
        { brief: { what: 'Wrong CA certificate (ca-cert)', run: 'juju show-controller' } },
      )
    : new ConnectionLost(reasons);
};

const untrusted =
  /^(ERR_TLS_CERT_|CERT_|(DEPTH_ZERO_)?SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET_ISSUER))/;

const isUntrusted = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  typeof error.code === 'string' &&
  untrusted.test(error.code);

const defaultPort = 17070;

/**
 * The address of a model's API. Takes `host`, `host:port`, `[IPv6]:port` and an IPv6 address
 * without brackets, as operators write them and as JUJU_API_ADDRESSES and agent.conf hold them.
 */
export const jujuUrl = (endpoint: string, modelUuid: string): URL => {
  const url = URL.parse(`wss://${withPort(endpoint.trim())}/model/${modelUuid}/api`);
  if (url && !/[/?#@\s]/.test(endpoint.trim())) return url;
  throw new CharmError(
    'juju-credentials-invalid',
    `"${endpoint}" is not the address of a Juju controller. Give endpoints as host:port, separated by commas, in the secret of the option juju-credentials.`,
    { brief: { what: 'Endpoints of Juju are not host:port', run: 'juju show-controller' } },
  );
};

const withPort = (endpoint: string): string => {
  if (isIPv6(endpoint)) return `[${endpoint}]:${defaultPort}`;
  const [, host = '', port] = /^(.*):(\d+)$/.exec(endpoint) ?? [];
  if (isIPv6(host)) return `[${host}]:${port ?? defaultPort}`;
  return port === undefined ? `${endpoint}:${defaultPort}` : endpoint;
};
