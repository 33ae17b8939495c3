import type { IncomingMessage, ServerResponse } from 'node:http';
import type { S3Buckets } from './buckets.ts';
import { tidied, type S3Context } from './context.ts';
import type { S3FaultAction, S3Faults, S3Observer, S3RequestNote } from './faults.ts';
import { checkVocabulary, readIncoming, type S3Incoming } from './incoming.ts';
import { operationOf, type S3Operation } from './operations.ts';
import type { S3Profile } from './profiles.ts';
import { S3Error, element, errorReply, xmlReply, type S3Reply } from './replies.ts';
import { send } from './sending.ts';
import { authenticate, type S3User } from './signatures.ts';

export interface S3HandlerOptions {
  readonly buckets: S3Buckets;
  readonly faults: S3Faults;
  readonly requests: S3RequestNote[];
  readonly observe: S3Observer;
  answer(request: S3RequestNote): string | undefined;
  readonly profile: S3Profile;
  readonly hostname: string;
  users(): readonly S3User[];
  now(): Date;
}

/**
 * One request from its first byte to its last: noted, hindered when a fault was planned,
 * authenticated, done, answered.
 */
export const createHandler = (options: S3HandlerOptions) => {
  let count = 0;
  return async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.setHeader('server', options.profile.server);
    // By the clock of the server, which tells what time it is to clients that sign.
    response.setHeader('date', options.now().toUTCString());
    response.setHeader('x-amz-request-id', '0000');
    // A client that goes away in the middle is not this server's problem.
    message.on('error', () => undefined);
    response.on('error', () => undefined);
    let fault: S3FaultAction | undefined;
    let reply: S3Reply;
    let noted: S3RequestNote | undefined;
    try {
      const incoming = keyed(readIncoming(message, options.hostname), options.profile);
      const operation = operationOf(incoming);
      const { method, bucket, key } = incoming;
      const note = { method, operation: operation.name, bucket, key };
      options.requests.push(note);
      noted = note;
      count += 1;
      if (options.observe(note, 'before') === 'drop') {
        message.socket.resetAndDestroy();
        return;
      }
      fault = options.faults.take(note);
      if (count % 40 === 0 && options.profile.quirks.has('slows-down'))
        fault ??= { answer: 503, code: 'SlowDown', message: 'Please reduce your request rate.' };
      if (fault && 'reset' in fault && fault.reset === 'before') {
        message.socket.resetAndDestroy();
        return;
      }
      const answer = options.answer(note);
      if (answer !== undefined) {
        message.resume();
        await send(response, { status: 200, body: Buffer.from(answer) }, fault);
        return;
      }
      reply = (fault && answerOf(fault)) ?? (await perform(options, incoming, operation, fault));
    } catch (error) {
      if (message.destroyed && !message.complete) return;
      reply = errorReply(asError(error), (message.url ?? '').split('?')[0] ?? '');
    }
    message.resume();
    if (message.method === 'HEAD') reply = withoutBody(reply);
    await send(response, reply, fault).catch(() => response.socket?.destroy());
    if (noted) options.observe(noted, 'after');
  };
};

/** Under the key that this server makes of it. */
const keyed = (incoming: S3Incoming, { quirks }: S3Profile): S3Incoming =>
  quirks.has('tidies-keys') ? { ...incoming, key: tidied(incoming.key) } : incoming;

const perform = async (
  options: S3HandlerOptions,
  incoming: S3Incoming,
  operation: S3Operation,
  fault: S3FaultAction | undefined,
): Promise<S3Reply> => {
  const { buckets, profile } = options;
  const user = authenticate(incoming, options.users(), options.now(), profile);
  checkAccess(user, operation, incoming.bucket);
  checkVocabulary(incoming, operation.query);
  if (operation.name === 'ListBuckets') return listBuckets(buckets);
  if (operation.name === 'CreateBucket') buckets.create(incoming.bucket);
  if (operation.name === 'DeleteBucket' && buckets.find(incoming.bucket).size > 0)
    throw new S3Error(409, 'BucketNotEmpty', 'The bucket you tried to delete is not empty');
  const context: S3Context = {
    ...(user.deletes && { deletes: user.deletes }),
    operation: operation.name,
    incoming,
    bucketName: incoming.bucket,
    bucket: buckets.find(incoming.bucket),
    key: incoming.key,
    profile,
    fault,
    now: () => options.now(),
    findBucket: (name) => buckets.find(name),
  };
  if (operation.name === 'DeleteBucket') buckets.remove(incoming.bucket);
  return operation.run(context);
};

const checkAccess = (user: S3User, { writes }: S3Operation, bucket: string): void => {
  const access = user.access ?? 'full';
  const allowed = access === 'full' || (access === 'read' && !writes);
  if (!allowed || (bucket !== '' && user.buckets && !user.buckets.includes(bucket)))
    throw new S3Error(403, 'AccessDenied', 'Access Denied.');
};

const listBuckets = (buckets: S3Buckets): S3Reply =>
  xmlReply(
    'ListAllMyBucketsResult',
    `<Buckets>${buckets
      .names()
      .map((name) => `<Bucket>${element('Name', name)}</Bucket>`)
      .join('')}</Buckets>`,
  );

const answerOf = (fault: S3FaultAction): S3Reply | undefined => {
  if (!('answer' in fault)) return undefined;
  const headers: Record<string, string> = {
    ...(fault.retryAfter !== undefined && { 'retry-after': String(fault.retryAfter) }),
    ...(fault.location !== undefined && { location: fault.location }),
  };
  const code = fault.code ?? (fault.answer === 503 ? 'SlowDown' : 'InternalError');
  const message = fault.message ?? 'Told to fail.';
  return errorReply(new S3Error(fault.answer, code, message, headers), '/');
};

const asError = (error: unknown): S3Error =>
  error instanceof S3Error
    ? error
    : new S3Error(500, 'InternalError', error instanceof Error ? error.message : 'unknown');

const withoutBody = (reply: S3Reply): S3Reply => {
  const { status, headers = {}, body, size, isChunked = false } = reply;
  const length = size ?? (Buffer.isBuffer(body) && status < 300 ? body.length : 0);
  return { status, headers, size: length, isChunked };
};
