import { BlockList, isIP } from 'node:net';
import { CharmError } from '../errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy through which the model wants a server to be asked; undefined when it is asked
 * directly. Juju hands `juju-http-proxy` and `juju-https-proxy` to a charm as JUJU_CHARM_HTTP_PROXY
 * and JUJU_CHARM_HTTPS_PROXY, and the older `http-proxy` and `https-proxy` as http_proxy and
 * https_proxy. As with Juju's own client, the scheme of what is asked decides which one counts.
 *
 * @throws CharmError `proxy-invalid` for what is not the URL of a proxy
 */
export const proxyFor = (environment: Environment, server: URL): URL | undefined => {
  const scheme = server.protocol === 'https:' ? 'https' : 'http';
  for (const [proxy, except, option] of [
    [`JUJU_CHARM_${scheme.toUpperCase()}_PROXY`, 'JUJU_CHARM_NO_PROXY', `juju-${scheme}-proxy`],
    [`${scheme}_proxy`, 'no_proxy', `${scheme}-proxy`],
  ] as const) {
    const given = environment[proxy]?.trim();
    if (!given) continue;
    if (isExcepted(server, environment[except] ?? '')) return undefined;
    return parsed(given) ?? unusable(option);
  }
  return undefined;
};

const parsed = (text: string): URL | undefined => {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  const usable =
    url !== null &&
    ['http:', 'https:'].includes(url.protocol) &&
    !/%(?![0-9a-f]{2})/i.test(url.href);
  return usable ? url : undefined;
};

/** Without its value, which may hold a password. */
const unusable = (option: string): never => {
  throw new CharmError(
    'proxy-invalid',
    `The model's ${option} is not the URL of a proxy, such as http://proxy.example.com:3128. Run: juju model-config ${option}=<URL>`,
    { brief: { what: `Wrong ${option}`, run: `juju model-config ${option}=<URL>` } },
  );
};

/**
 * Juju's rule (github.com/juju/proxy, which follows Go's): loopback is never asked through a proxy,
 * `*` excepts everything, and an entry is a host, a domain with all below it, with or without a dot
 * before it, an address, or a CIDR block. A port after an entry counts. Names are not looked up, so
 * a block excepts only what is given as an address.
 */
const isExcepted = (server: URL, list: string): boolean => {
  const host = server.hostname.replace(/^\[|\]$/g, '');
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  if (host === 'localhost' || isIn(host, '127.0.0.0', 8) || host === '::1') return true;
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== '' && matches(entry, host, port));
};

const matches = (entry: string, host: string, port: string): boolean => {
  if (entry === '*') return true;
  const [, name = entry, only] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
  if (only !== undefined && only !== port) return false;
  const bare = name.replace(/^\[|\]$/g, '');
  const [address = '', length] = bare.split('/');
  if (isIP(address) !== 0) return isIn(host, address, length === undefined ? 128 : Number(length));
  const domain = bare.replace(/^\*?\./, '');
  return domain !== '' && (host === domain || host.endsWith(`.${domain}`));
};

const isIn = (host: string, address: string, length: number): boolean => {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(host) === 0 || Number.isNaN(length)) return false;
  const block = new BlockList();
  block.addSubnet(address, Math.min(length, family === 'ipv6' ? 128 : 32), family);
  return block.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
};
