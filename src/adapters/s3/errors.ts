import { CharmError, type ErrorCode } from '../../errors.ts';
import { refusalOfProxy } from './dispatcher.ts';
import { S3Failure } from './failure.ts';
import {
  isCertificateCode,
  isPassingNetworkError,
  networkCode,
  networkText,
} from './network-errors.ts';
import { defaultAdvice, type S3Advice, type S3Options } from './options.ts';

/** What was being done when it failed. */
export interface S3Attempt {
  /** The end of "could not …". */
  readonly doing: string;
  /** What a failed precondition (412) means here. */
  readonly onCondition?: 'object-exists' | 'object-changed';
  /** Set where it was about tags, which not every server has. */
  readonly aboutTags?: 'written' | 'read' | undefined;
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
      error instanceof S3Failure ? answerOf(error) : `gave no answer${way}: ${networkText(error)}`;
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

/** Of servers that keep objects as files: MinIO and versitygw. */
const fileCodes = new Set([
  'XMinioInvalidObjectName',
  'XMinioObjectExistsAsDirectory',
  'ExistingObjectIsDirectory',
  'ObjectParentIsFile',
  'DirectoryObjectContainsData',
]);

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
    : isPassingRefusal(refusalOfProxy(error)) || isPassingNetworkError(error);

const isPassingRefusal = (status: number | undefined): boolean =>
  status !== undefined && passingStatuses.has(status);

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
  // AWS allows these characters only.
  if (aboutTags === 'written' && code === 'InvalidTag')
    return {
      code: 'store-refuses-tags',
      hint: 'That server takes only letters, digits, spaces and + - = . _ : / @ in tags',
    };
  if (aboutTags === 'read' && code === 'InvalidTag')
    return {
      code: 'tags-unreadable',
      hint: 'MinIO before 2022 cannot read tags with & again. Set the tags of that object again without &',
    };
  if (code === 'InvalidObjectState' || code === 'ObjectNotInActiveTierError')
    return {
      code: 'object-archived',
      hint: 'It lies in an archive class of S3 and has to be thawed first, which verify-backup and restore-control-plane ask for with thaw=true. Let the lifecycle of the bucket archive nothing under the path',
    };
  if (status === 413)
    return {
      code: 'store-refused',
      hint: 'A proxy before the server takes no body of this size: raise its limit (client_max_body_size of nginx, proxy-body-size of an ingress) to 5g or to 0, which means no limit',
    };
  if (fileCodes.has(code))
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
  // No S3 server answers in this way over http. It is a server that speaks TLS.
  return { code: 'store-refused', hint: code === '' ? sentence(advice.endpoint) : '' };
};

/** All of our connections go to the proxy, so only its answer tells what failed behind it. */
const proxyAdvice =
  'look at that proxy; juju model-config juju-http-proxy, juju-https-proxy and juju-no-proxy say what is asked through it';

const meaningOfNoAnswer = (
  error: unknown,
  advice: S3Advice,
  proxy: URL | undefined,
): Meaning | undefined => {
  if (refusalOfProxy(error) !== undefined)
    return { code: 'store-unreachable', hint: sentence(proxyAdvice) };
  const code = networkCode(error);
  if (code === 'UND_ERR_INVALID_ARG') return { code: 'store-refused', hint: '' };
  if (code === undefined) return undefined;
  const hint = isCertificateCode(code) ? advice.certificate : proxy ? proxyAdvice : advice.endpoint;
  return { code: 'store-unreachable', hint: sentence(hint) };
};
