import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { S3Profile } from './profiles.ts';
import { S3Error } from './replies.ts';
import type { S3Incoming } from './incoming.ts';

export interface S3User {
  readonly accessKey: string;
  readonly secretKey: string;
  /** `full` unless given. */
  readonly access?: 'full' | 'read' | 'none';
  /** The keys that it may delete, as its policy would say; all unless given. */
  readonly deletes?: RegExp;
  /** The buckets that it may use; all unless given. */
  readonly buckets?: readonly string[];
}

const skew = 15 * 60_000;

/**
 * Verifies Signature Version 4 in the Authorization header or, presigned, in the query, written
 * down from AWS's description and not with a client's library, so that client and server cannot
 * share a mistake.
 */
export const authenticate = (
  incoming: S3Incoming,
  users: readonly S3User[],
  now: Date,
  { region: expectedRegion, quirks }: Pick<S3Profile, 'region' | 'quirks'>,
): S3User => {
  const given = signatureIn(incoming);
  const [accessKey = '', day = '', region = '', service = '', terminator = ''] = given.scope;
  const user = users.find((one) => one.accessKey === accessKey);
  if (!user)
    throw new S3Error(
      403,
      'InvalidAccessKeyId',
      'The AWS Access Key Id you provided does not exist in our records.',
    );
  if (service !== 's3' || terminator !== 'aws4_request' || !given.date.startsWith(day))
    throw new S3Error(400, 'AuthorizationHeaderMalformed', 'The credential scope is wrong.');
  if (expectedRegion !== undefined && region !== expectedRegion)
    throw quirks.has('redirects-regions')
      ? new S3Error(
          301,
          'PermanentRedirect',
          'The bucket you are attempting to access must be addressed using the specified endpoint.',
          { 'x-amz-bucket-region': expectedRegion },
        )
      : new S3Error(
          400,
          'AuthorizationHeaderMalformed',
          `The authorization header is malformed; the region '${region}' is wrong; expecting '${expectedRegion}'`,
          { 'x-amz-bucket-region': expectedRegion },
        );
  const age = now.getTime() - parseDate(given.date);
  if (
    given.expires === undefined ? Math.abs(age) > skew : age < -skew || age > given.expires * 1000
  )
    throw given.expires === undefined
      ? new S3Error(
          403,
          'RequestTimeTooSkewed',
          'The difference between the request time and the current time is too large.',
        )
      : new S3Error(403, 'AccessDenied', 'Request has expired');
  checkSigned(incoming, given.signedHeaders);

  const canonical = canonicalRequest(incoming, given);
  const scope = [day, region, service, terminator].join('/');
  const toSign = `AWS4-HMAC-SHA256\n${given.date}\n${scope}\n${sha256(canonical)}`;
  const key = [day, region, service, terminator].reduce<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${user.secretKey}`,
  );
  const expected = hmac(key, toSign);
  const signature = Buffer.from(given.signature, 'hex');
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected))
    throw new S3Error(
      403,
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    );
  return user;
};

interface Given {
  /** access key, day, region, service, `aws4_request` */
  readonly scope: readonly string[];
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly date: string;
  readonly payload: string;
  /** Seconds, of a presigned URL. */
  readonly expires: number | undefined;
}

const signatureIn = ({ headers, query }: S3Incoming): Given => {
  if (query.get('X-Amz-Algorithm') === 'AWS4-HMAC-SHA256')
    return {
      scope: scopeIn(query.get('X-Amz-Credential') ?? ''),
      signedHeaders: (query.get('X-Amz-SignedHeaders') ?? '').split(';'),
      signature: query.get('X-Amz-Signature') ?? '',
      date: query.get('X-Amz-Date') ?? '',
      payload: headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD',
      expires: Number(query.get('X-Amz-Expires') ?? '0'),
    };
  if (headers['authorization'] === undefined)
    throw new S3Error(403, 'AccessDenied', 'Access Denied: the request is not signed.');
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers['authorization'],
    );
  if (!parts)
    throw new S3Error(
      400,
      'AuthorizationHeaderMalformed',
      'The authorization header is malformed.',
    );
  if (headers['x-amz-content-sha256'] === undefined)
    throw new S3Error(400, 'InvalidRequest', 'Missing required header: x-amz-content-sha256');
  return {
    scope: scopeIn(parts[1]!),
    signedHeaders: parts[2]!.split(';'),
    signature: parts[3]!,
    date: headers['x-amz-date'] ?? '',
    payload: headers['x-amz-content-sha256'],
    expires: undefined,
  };
};

/** An access key may contain slashes, the rest of the scope may not. */
const scopeIn = (credential: string): readonly string[] => {
  const parts = credential.split('/');
  return [parts.slice(0, -4).join('/'), ...parts.slice(-4)];
};

const parseDate = (date: string): number =>
  Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));

/** AWS refuses a request with headers of its own that the signature does not cover. */
const checkSigned = ({ headers }: S3Incoming, signed: readonly string[]): void => {
  const needed = Object.keys(headers).filter(
    (name) => name === 'host' || name === 'content-md5' || name.startsWith('x-amz-'),
  );
  const missing = needed.filter((name) => !signed.includes(name));
  if (missing.length > 0)
    throw new S3Error(
      403,
      'AccessDenied',
      `There were headers present in the request which were not signed: ${missing.join(', ')}`,
    );
};

const canonicalRequest = ({ method, path, query, headers }: S3Incoming, given: Given): string => {
  const pairs = [...query]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort();
  const lines = given.signedHeaders.map(
    (name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`,
  );
  return [
    method,
    path.split('/').map(encode).join('/'),
    pairs.join('&'),
    lines.join(''),
    given.signedHeaders.join(';'),
    given.payload,
  ].join('\n');
};

/** UTF-8, with only RFC 3986's unreserved characters left as they are. */
const encode = (text: string): string =>
  [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9_.~-]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');

/**
 * Headers are strings of bytes (Latin-1) here, as they came over the wire; everything else is ASCII
 * by now.
 */
const sha256 = (text: string): string =>
  createHash('sha256').update(Buffer.from(text, 'latin1')).digest('hex');

const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest();
