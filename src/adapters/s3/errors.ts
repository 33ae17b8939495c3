import { CharmError, reasonOf, type ErrorCode } from '../../errors.ts';
import { refusalOfProxy } from './dispatcher.ts';
import { S3Failure } from './failure.ts';
import { defaultAdvice, type S3Advice, type S3Options } from './options.ts';

/** What was being done when it failed. */
export interface S3Attempt {
  /** The end of "could not …". */
  readonly doing: string;
  /** What a failed precondition (412) means here. */
  readonly onCondition?: 'object-exists' | 'object-changed';
  /** Whether it was about tags, which not every server has. */
  readonly aboutTags?: boolean;
  readonly attempts: number;
}

/**
 * Turns what a connection rejects with into the port's codes and a sentence for an operator. An
 * error that comes neither from the server nor from the network is returned as it is.
 */
export const createExplainer = (
  options: S3Options,
  description: string,
): ((error: unknown, attempt: S3Attempt) => unknown) => {
  const advice = { ...defaultAdvice, ...options.advice };
  return (error, attempt) => {
    const meaning =
      error instanceof S3Failure
        ? meaningOf(error, attempt, advice, options)
        : meaningOfNoAnswer(error, advice, options.proxy);
    if (!meaning) return error;
    const way = options.proxy ? ` through the proxy ${options.proxy.origin}` : '';
    const said =
      error instanceof S3Failure ? answerOf(error) : `gave no answer${way}: ${wordsOf(error)}`;
    const often = attempt.attempts > 1 ? ` (tried ${attempt.attempts} times)` : '';
    return new CharmError(
      meaning.code,
      `Could not ${attempt.doing}: ${description} ${said}${often}.${meaning.hint && ` ${meaning.hint}.`}`,
      {
        cause: error,
        why: `${description} ${error instanceof S3Failure && meaning.hint ? briefly(error) : said}.${meaning.hint && ` ${meaning.hint}.`}`,
      },
    );
  };
};

const answerOf = ({
  status,
  code,
  message,
}: Pick<S3Failure, 'status' | 'code' | 'message'>): string =>
  `answered ${status}${code && ` ${code}`}${message && ` (${message.replace(/\.$/, '')})`}`;

/** Without the server's own sentence, for failures where ours says what to do. */
const briefly = ({ status, code }: S3Failure): string => answerOf({ status, code, message: '' });

interface Meaning {
  readonly code: ErrorCode;
  /** A sentence without its full stop; may be empty. */
  readonly hint: string;
}

const sentence = (advice: string): string => advice.charAt(0).toUpperCase() + advice.slice(1);

const deniedCodes = new Set([
  'AccessDenied',
  'AccountProblem',
  'AllAccessDisabled',
  'ExpiredToken',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
]);

const corruptCodes = new Set(['BadDigest', 'InvalidDigest', 'XAmzContentSHA256Mismatch']);

const fullCodes = new Set(['QuotaExceeded', 'XMinioStorageFull', 'XMinioAdminBucketQuotaExceeded']);

const regionCodes = new Set([
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
  'PermanentRedirect',
  'TemporaryRedirect',
]);

const passingStatuses = new Set([408, 429, 500, 502, 503, 504]);

const passingCodes = new Set([
  'ConditionalRequestConflict',
  'IncompleteBody',
  'InternalError',
  'OperationAborted',
  'RequestTimeout',
  'ServiceUnavailable',
  'SlowDown',
]);

/** Whether the next attempt may go better. */
export const mayPass = (error: unknown): boolean =>
  error instanceof S3Failure
    ? passingStatuses.has(error.status) || passingCodes.has(error.code)
    : isPassingNetworkError(error);

const meaningOf = (
  { status, code, location, message, region }: S3Failure,
  { onCondition, aboutTags }: S3Attempt,
  advice: S3Advice,
  options: S3Options,
): Meaning => {
  if (code === 'NoSuchBucket')
    return { code: 'store-bucket-missing', hint: sentence(advice.bucket) };
  // AWS gives this answer to a PUT with If-Match when there is no object.
  if (code === 'NoSuchKey') return { code: onCondition ?? 'object-missing', hint: '' };
  if (status === 412 || code === 'ConditionalRequestConflict')
    return { code: onCondition ?? 'object-changed', hint: '' };
  if (code === 'RequestTimeTooSkewed')
    return {
      code: 'store-denied',
      hint: `The clock here says ${options.clock.now().toISOString()}, that of the server differs by more than 15 minutes: correct the wrong one`,
    };
  // AWS has no code of its own for this.
  if (status === 400 && /content-md5 or x-amz-checksum/i.test(message))
    return { code: 'store-wants-digest', hint: '' };
  if (aboutTags && (status === 501 || /tagging/i.test(message)) && !deniedCodes.has(code))
    return { code: 'store-refuses-tags', hint: 'That server has no tags' };
  if (aboutTags && code === 'InvalidTag')
    return {
      code: 'tags-unreadable',
      hint: 'MinIO before 2022 cannot read tags with & again. Set the tags of that object again without &',
    };
  if (code === 'InvalidObjectState')
    return {
      code: 'store-refused',
      hint: 'The object lies in an archive class: restore it with RestoreObject (aws s3api restore-object), wait until that is done, then run the action again',
    };
  if (status === 413)
    return {
      code: 'store-refused',
      hint: 'A proxy before the server takes no body of this size: raise its limit (client_max_body_size of nginx, proxy-body-size of an ingress) to 5g or to 0, which means no limit',
    };
  if (code === 'XMinioInvalidObjectName' || code === 'XMinioObjectExistsAsDirectory')
    return {
      code: 'store-refused',
      hint: 'That server keeps objects as files: it takes no part of a key that is empty, is . or .., or has more than 255 bytes, and no object whose key is a folder of others. Rename the object, or use another server as target',
    };
  if (corruptCodes.has(code))
    return { code: 'store-corrupt', hint: 'The bytes changed on their way: look at the network' };
  if (fullCodes.has(code) || status === 507)
    return { code: 'store-refused', hint: 'It has no room left: make some, or raise the quota' };
  if (status === 308 || (code === '' && location !== undefined))
    return {
      code: 'store-refused',
      hint: `It sends us to ${location ?? 'another address'}${location?.startsWith('https:') ? ', so it may want https' : ''}. ${sentence(advice.endpoint)}`,
    };
  if (regionCodes.has(code) || status === 301 || status === 307)
    return {
      code: 'store-refused',
      hint: `The region is ${options.region || 'not set'}: ${region ? `set it to ${region}` : sentence(advice.endpoint)}`,
    };
  if (deniedCodes.has(code) || status === 401 || status === 403)
    return { code: 'store-denied', hint: sentence(advice.credentials) };
  if (status === 404 && code === '') return { code: 'object-missing', hint: '' };
  if (passingStatuses.has(status) || passingCodes.has(code))
    return { code: 'store-unreachable', hint: 'It may be overloaded or out of order for a while' };
  // No S3 server answers so; one that speaks TLS and was not asked over it does.
  return { code: 'store-refused', hint: code === '' ? sentence(advice.endpoint) : '' };
};

/** Codes of node:tls and OpenSSL. */
const certificateCodes =
  /CERT|SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)|ERR_TLS|ERR_SSL|EPROTO|CRL|PRX_TLS/;

/** All of our connections go to the proxy, so what it is that failed only it can tell. */
const proxyAdvice =
  'look at that proxy; juju model-config juju-http-proxy, juju-https-proxy and juju-no-proxy say what is asked through it';

/** Caused by ourselves: we closed the connection, or a signal fired. */
const ownCodes = new Set(['UND_ERR_ABORTED', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED']);

const meaningOfNoAnswer = (
  error: unknown,
  advice: S3Advice,
  proxy: URL | undefined,
): Meaning | undefined => {
  if (refusalOfProxy(error) !== undefined)
    return { code: 'store-unreachable', hint: sentence(proxyAdvice) };
  const code = codeOf(error);
  if (code === 'UND_ERR_INVALID_ARG') return { code: 'store-refused', hint: '' };
  if (code === undefined || ownCodes.has(code)) return undefined;
  const hint = certificateCodes.test(code)
    ? advice.certificate
    : proxy
      ? proxyAdvice
      : advice.endpoint;
  return { code: 'store-unreachable', hint: sentence(hint) };
};

/** Whether the network failed in a way that may pass. A wrong certificate does not pass. */
const isPassingNetworkError = (error: unknown): boolean => {
  const refusal = refusalOfProxy(error);
  if (refusal !== undefined) return passingStatuses.has(refusal);
  const code = codeOf(error);
  return (
    code !== undefined &&
    code !== 'UND_ERR_INVALID_ARG' &&
    !ownCodes.has(code) &&
    !certificateCodes.test(code)
  );
};

/**
 * The code of an error of the network: sockets, name look-ups, TLS and undici give one. Undefined
 * for other errors.
 */
const codeOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error) || error instanceof CharmError) return undefined;
  // The parser's errors have a code of its own (HPE_…), or no code.
  if (error.name === 'HTTPParserError') return 'HTTP_PARSER';
  const code = 'code' in error ? error.code : undefined;
  return typeof code === 'string' && !code.startsWith('ERR_INVALID') ? code : undefined;
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

const wordsOf = (error: unknown): string => {
  const refusal = refusalOfProxy(error);
  if (refusal === 407) return 'it wants a user and a password (407)';
  if (refusal !== undefined) return `it refused to let us through (${refusal})`;
  return words[codeOf(error) ?? ''] ?? reasonOf(error);
};
