import { createSecureContext, rootCertificates } from 'node:tls';
import { type Dispatcher, Pool, ProxyAgent } from 'undici';
import { defaultTimeouts, type S3Options } from './options.ts';

/** Opens connections to one server, directly or through a proxy. */
export const openDispatcher = (options: S3Options, origin: string): Dispatcher => {
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const limits = {
    connections: options.connections ?? 256,
    pipelining: 1,
    allowH2: false,
    headersTimeout: timeouts.reply,
    bodyTimeout: timeouts.silence,
  };
  const trust = {
    // Made once: to read the public authorities takes milliseconds, which each connection would
    // pay again.
    ...(options.caChain?.length && {
      secureContext: createSecureContext({ ca: [...rootCertificates, ...options.caChain] }),
    }),
  };
  const { lookup, proxy } = options;
  const connect = { timeout: timeouts.connect, ...(lookup && { lookup }), ...trust };
  if (proxy === undefined) return new Pool(origin, { ...limits, connect });
  return new ProxyAgent({
    uri: proxy.href,
    connectTimeout: timeouts.connect,
    // What is asked over TLS gets a tunnel; the rest the proxy asks for us.
    requestTls: { ...trust, allowH2: false },
    proxyTls: { ...trust, ...(lookup && { lookup }), allowH2: false },
    factory: (at, given: object) => new Pool(at, { ...given, ...limits }),
    clientFactory: (at, given) => new Pool(at, { ...given, headersTimeout: timeouts.reply }),
  });
};

/**
 * The status with which a proxy refused to let us through, 502 when it closed the connection
 * instead; undefined for what is another failure. undici has no better way to tell.
 */
export const refusalOfProxy = (error: unknown): number | undefined => {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'ProxyConnectionError') return 502;
  const [, status] =
    /^Proxy response \((\d+)\)|^Proxy Authentication Required \((\d+)\)/
      .exec(error.message)
      ?.filter(Boolean) ?? [];
  return status === undefined ? undefined : Number(status);
};
