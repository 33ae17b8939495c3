import { CharmError, reasonOf } from '../../errors.ts';
import { refusalOfProxy } from './dispatcher.ts';

/** Codes of node:tls and OpenSSL. */
const certificateCodes =
  /CERT|SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)|ERR_TLS|ERR_SSL|EPROTO|CRL|PRX_TLS/;

/** Caused by ourselves: we closed the connection, or a signal fired. */
const ownCodes = new Set(['UND_ERR_ABORTED', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED']);

/**
 * The code of an error of the network: sockets, name look-ups, TLS and undici give one. Undefined
 * for other errors, and for those that we caused ourselves.
 */
export const networkCode = (error: unknown): string | undefined => {
  if (!(error instanceof Error) || error instanceof CharmError) return undefined;
  // The parser's errors have a code of its own (HPE_…), or no code.
  if (error.name === 'HTTPParserError') return 'HTTP_PARSER';
  const code = 'code' in error ? error.code : undefined;
  if (typeof code !== 'string' || code.startsWith('ERR_INVALID')) return undefined;
  return ownCodes.has(code) ? undefined : code;
};

export const isCertificateCode = (code: string): boolean => certificateCodes.test(code);

/** Whether the network failed in a way that may pass. A wrong certificate does not pass. */
export const isPassingNetworkError = (error: unknown): boolean => {
  const code = networkCode(error);
  return code !== undefined && code !== 'UND_ERR_INVALID_ARG' && !isCertificateCode(code);
};

/** What happened, for an operator: the rest of a sentence that begins with the server. */
export const networkText = (error: unknown): string => {
  const refusal = refusalOfProxy(error);
  if (refusal === 407) return 'it wants a user and a password (407)';
  if (refusal !== undefined) return `it refused to let us through (${refusal})`;
  return words[networkCode(error) ?? ''] ?? reasonOf(error);
};

const words: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its host name is not known',
  EAI_AGAIN: 'its host name cannot be looked up now',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  UND_ERR_SOCKET: 'the connection broke',
  EHOSTUNREACH: 'there is no way to its host',
  ENETUNREACH: 'there is no way to its network',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  UND_ERR_HEADERS_TIMEOUT: 'it accepted the request and then said nothing',
  HTTP_PARSER: 'it does not speak HTTP',
  UND_ERR_BODY_TIMEOUT: 'it stopped in the middle of its reply',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS; should the endpoint begin with http://?',
  EPROTO: 'it does not speak TLS; should the endpoint begin with http://?',
  SELF_SIGNED_CERT_IN_CHAIN: 'the authority of its certificate is not trusted here',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its self-signed certificate is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'the authority of its certificate is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the authority of its certificate is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the authority of its certificate is not trusted here',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  UND_ERR_PRX_TLS: 'its certificate names another host',
};
