import { setTimeout as delay } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { Model } from '../../sandbox/model.ts';
import type { JujuFaults } from './faults.ts';
import { jujuMethods } from './methods.ts';
import { mapOf, textOf } from './parameters.ts';
import { type JujuRelease, JujuFailure } from './release.ts';
import type { JujuSchema } from './schema.ts';
import { type Identity, type JujuUser, authenticate, authorize } from './users.ts';

export interface JujuRequestRecord {
  /** `Action.EnqueueOperation` */
  readonly method: string;
  readonly version: number;
  /** `user-ckf-backup`; empty before the login. */
  readonly user: string;
}

/** What all connections of a controller share. */
export interface JujuServing {
  readonly model: Model;
  readonly release: JujuRelease;
  readonly users: Readonly<Record<string, JujuUser>>;
  readonly schema: JujuSchema;
  readonly faults: JujuFaults;
  readonly requests: JujuRequestRecord[];
  readonly violations: string[];
  /** Bytes that a status is made longer by. */
  padding: number;
  observer: JujuObserver | undefined;
}

/**
 * Called when a request has come, which it may drop before anything is done, and when the reply has
 * been sent.
 */
export type JujuObserver = (
  method: string,
  params: Readonly<Record<string, unknown>>,
  when: 'before' | 'after',
) => 'drop' | undefined;

interface Request {
  readonly id: number;
  readonly type: string;
  readonly version: number;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/**
 * Serves one WebSocket as a controller does; each request runs by itself, so replies may overtake
 * each other.
 */
export const serveJujuConnection = (
  socket: WebSocket,
  modelUuid: string | undefined,
  serving: JujuServing,
): void => {
  let identity: Identity | undefined;

  const run = (request: Request): Readonly<Record<string, unknown>> => {
    const { model, release } = serving;
    if (modelUuid !== undefined && modelUuid !== model.state.uuid)
      throw new JujuFailure(`unknown model: "${modelUuid}"`, 'model not found');
    if (!identity) {
      const [login, who] = logIn(request, serving);
      identity = who;
      return login;
    }
    const method = lookUp(request, release);
    if (method.needs !== 'login') authorize(identity, method.needs);
    return method.run({ model, release, params: request.params });
  };

  const answer = async (request: Request) => {
    const { faults, requests, padding } = serving;
    const method = `${request.type}.${request.method}`;
    requests.push({ method, version: request.version, user: identity?.tag ?? '' });
    const fault = faults.take(method);
    const observed = serving.observer?.(method, request.params, 'before');
    if (fault?.kind === 'drop-request' || observed === 'drop') {
      socket.terminate();
      return;
    }
    const reply = replyTo(request, serving, () => {
      if (fault?.kind === 'error') throw new JujuFailure(fault.message, fault.code, fault.info);
      return run(request);
    });
    if (fault?.kind === 'stall') return;
    if (request.id % 2 === 0) await delay(2);
    if (fault?.kind === 'drop-reply') socket.terminate();
    if (fault?.kind === 'close') socket.close(fault.code, 'going away');
    const extra = method === 'Client.FullStatus' ? { 'of-a-later-juju': 'x'.repeat(padding) } : {};
    send(socket, { ...reply, ...extra });
    serving.observer?.(method, request.params, 'after');
  };

  socket.on('message', (data: Buffer) => {
    const message: unknown = JSON.parse(data.toString());
    const fields = mapOf(message);
    void answer({
      id: Number(fields['request-id']),
      type: textOf(fields['type']),
      version: Number(fields['version']),
      method: textOf(fields['request']),
      params: mapOf(fields['params']),
    });
  });
};

/** Every request and every reply that is not an error has to conform to Juju's own schema. */
const replyTo = (
  { id, type, method, params }: Request,
  { schema, violations }: JujuServing,
  work: () => Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> => {
  const conform = (kind: 'request' | 'response', value: unknown) => {
    const problem = schema.problem(kind, `${type}.${method}`, value);
    if (problem === undefined) return;
    violations.push(problem);
    throw new JujuFailure(problem, 'bad request');
  };
  try {
    conform('request', params);
    const response = work();
    conform('response', response);
    return { 'request-id': id, response };
  } catch (error) {
    if (!(error instanceof JujuFailure)) throw error;
    const { message, code, info } = error;
    return {
      'request-id': id,
      error: message,
      ...(code === '' ? {} : { 'error-code': code }),
      ...(info ? { 'error-info': info } : {}),
      response: {},
    };
  }
};

/** Juju writes in small fragments. */
const send = (socket: WebSocket, reply: unknown) => {
  const text = JSON.stringify(reply);
  const middle = Math.ceil(text.length / 2);
  if (socket.readyState !== socket.OPEN) return;
  socket.send(text.slice(0, middle), { fin: false });
  socket.send(text.slice(middle), { fin: true });
};

const logIn = (
  { type, version, method, params }: Request,
  { users, model, release }: JujuServing,
): readonly [Readonly<Record<string, unknown>>, Identity | undefined] => {
  if (type !== 'Admin') throw new JujuFailure('not logged in', 'unauthorized access');
  if (version !== 3 || method !== 'Login')
    throw new JujuFailure(
      'this version of Juju does not support login from old clients',
      'not supported',
    );
  const who = authenticate(users, textOf(params['auth-tag']), textOf(params['credentials']));
  if (!who)
    return [
      { 'discharge-required': {}, 'discharge-required-error': 'macaroon discharge required' },
      undefined,
    ];
  const login = {
    servers: [[{ value: '10.152.183.5', type: 'ipv4', scope: 'local-cloud', port: 17070 }], null],
    'model-tag': `model-${model.state.uuid}`,
    'controller-tag': 'controller-9f7a5c1e-3b1d-4f43-8a43-0d8f8f5f2a11',
    'server-version': release.version,
    'user-info': {
      'display-name': '',
      identity: who.tag,
      'controller-access': who.superuser ? 'superuser' : 'login',
      'model-access': who.superuser ? 'admin' : (who.access ?? ''),
    },
    facades: Object.entries(release.facades).map(([name, versions]) => ({ name, versions })),
  };
  return [login, who];
};

const lookUp = ({ type, version, method }: Request, release: JujuRelease) => {
  const versions = type === 'Admin' ? undefined : release.facades[type];
  if (!versions)
    throw new JujuFailure(`facade "${type}" not supported on container models`, 'not supported');
  if (!versions.includes(version))
    throw new JujuFailure(`unknown version (${version}) of interface "${type}"`, 'not implemented');
  const found = jujuMethods[`${type}.${method}`];
  if (found) return found;
  throw new JujuFailure(
    `no such request - method ${type}(${version}).${method} is not implemented`,
    'not implemented',
  );
};
