import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { ClusterAccess } from '../../../src/world.ts';
import { createAuthority } from '../network/certificates.ts';
import type { Resource } from './lists.ts';
import { emptyDisk, type PodDefinition } from './pod.ts';
import { KubernetesObjects } from './objects.ts';
import { parseExec, runProcess, type ExecFault } from './process.ts';
import { Refusal, toStatus } from './refusal.ts';
import type { Workloads } from './workloads.ts';

export interface KubernetesServerOptions {
  readonly namespace?: string;
  readonly token?: string;
  /** What a cluster before 1.30 has is v4 alone. */
  readonly execProtocols?: readonly string[];
}

/** Starts a Kubernetes API on a port of its own: `await using server = await startKubernetes()`. */
export const startKubernetes = async (
  options: KubernetesServerOptions = {},
): Promise<KubernetesServer> => {
  const authority = await createAuthority('kubernetes');
  const https = createServer(await authority.issue(['127.0.0.1']));
  https.listen(0, '127.0.0.1');
  await once(https, 'listening');
  return new KubernetesServer(https, authority.ca, options);
};

/**
 * The part of the Kubernetes API that we use, over TLS: pods, custom resources page by page, and
 * exec over WebSocket, which runs real processes in directories that stand for containers.
 * Everything that would write an object is refused and counted.
 */
export class KubernetesServer implements AsyncDisposable {
  readonly objects: KubernetesObjects;
  /** `GET /path` of each request, and `EXEC <pod>/<container> <program>`. */
  readonly requests: string[] = [];
  /** What the token may not do: `pods`, `pods/exec`, or the plural of a custom resource. */
  readonly denied = new Set<string>();
  /** The next execs fail like this, one after the other. */
  readonly execFaults: (ExecFault | undefined)[] = [];
  /** The next answers over HTTP, by status; 0 cuts the connection, -1 never answers. */
  readonly answerFaults: number[] = [];
  /** Jobs, pods and claims of any namespace, when the cluster has them. */
  workloads: Workloads | undefined;
  /** The only token that is accepted. */
  token: string;
  /** Told of each entry of `requests`, before it is served and, of an exec, when it has ended. */
  observer: ((request: string, when: 'before' | 'after') => void) | undefined;
  readonly #https: Server;
  readonly #ca: string;
  readonly #sockets: WebSocketServer;
  readonly #processes = new Map<ChildProcessWithoutNullStreams, string>();

  constructor(https: Server, ca: string, options: KubernetesServerOptions) {
    this.#https = https;
    this.#ca = ca;
    this.objects = new KubernetesObjects(options.namespace ?? 'kubeflow');
    this.token = options.token ?? 'a-token';
    const protocols = options.execProtocols ?? ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
    this.#sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      handleProtocols: (offered) => protocols.find((protocol) => offered.has(protocol)) ?? false,
    });
    https.on('request', (request, response) => {
      void this.#answer(request, response);
    });
    https.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#exec(request, socket, head);
    });
  }

  /** What Juju's credential-get would give. */
  get access(): ClusterAccess {
    const address = this.#https.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return { server: `https://127.0.0.1:${address.port}`, ca: this.#ca, token: this.token };
  }

  setPod(name: string, pod: PodDefinition): void {
    this.objects.setPod(name, pod);
  }

  /** Installs a kind, such as `argoproj.io/v1alpha1/workflows`, and replaces its objects. */
  setResources(kind: string, resources: readonly Resource[]): void {
    this.objects.setResources(kind, resources);
  }

  removePod(name: string): void {
    this.#kill((owner) => owner.startsWith(`${name}/`));
    this.objects.removePod(name);
  }

  /** Kills what runs in a container, gives it a new disk, and counts a restart. */
  restart(pod: string, container: string): void {
    this.objects.countRestart(pod, container);
    this.#kill((owner) => owner === `${pod}/${container}`);
    const place = this.objects.pod(pod).containers[container];
    if (place) emptyDisk(place);
  }

  /** How many commands run at the moment. */
  get running(): number {
    return this.#processes.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill(() => true);
    await this.workloads?.[Symbol.asyncDispose]();
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#https.closeAllConnections();
    this.#https.close();
    await once(this.#https, 'close');
    await Promise.all([...this.#processes.keys()].map(async (child) => once(child, 'exit')));
  }

  #note(request: string): string {
    this.requests.push(request);
    this.observer?.(request, 'before');
    return request;
  }

  #kill(matches: (owner: string) => boolean): void {
    for (const [child, owner] of this.#processes)
      if (matches(owner) && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'https://kubernetes');
    this.#note(`${request.method ?? ''} ${url.pathname}`);
    const fault = this.answerFaults.shift();
    if (fault === 0) request.socket.destroy();
    if (fault === 0 || fault === -1) return;
    try {
      if (fault !== undefined) throw new Refusal(fault, 'Fault', `answered ${fault} on demand`);
      if (url.pathname.endsWith('/selfsubjectaccessreviews')) {
        void this.#review(request, response);
        return;
      }
      this.#authorize(request, url.pathname);
      const body = await bodyOf(request);
      const answer = this.workloads?.answer(request.method ?? '', url, body);
      if (answer && 'text' in answer) {
        response.setHeader('Content-Type', 'text/plain');
        response.end(answer.text);
        return;
      }
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(answer?.json ?? this.objects.read(request.method ?? '', url)));
    } catch (error) {
      const { status, body } = toStatus(error);
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
    }
  }

  /** Everybody who has a token may ask what it allows. */
  async #review(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { spec } = JSON.parse(await text(request)) as {
      spec: { resourceAttributes: { resource: string; verb: string; namespace?: string } };
    };
    const { resource, verb, namespace } = spec.resourceAttributes;
    const isKnown = request.headers.authorization === `Bearer ${this.token}`;
    const allowed = verb === 'list' && namespace === undefined && !this.denied.has(resource);
    response.writeHead(isKnown ? 201 : 401, { 'Content-Type': 'application/json' });
    response.end(
      JSON.stringify({
        kind: 'SelfSubjectAccessReview',
        apiVersion: 'authorization.k8s.io/v1',
        spec,
        status: { allowed },
      }),
    );
  }

  #authorize(request: IncomingMessage, path: string): void {
    if (request.headers.authorization !== `Bearer ${this.token}`)
      throw new Refusal(401, 'Unauthorized', 'Unauthorized');
    const resource = path.endsWith('/exec')
      ? 'pods/exec'
      : path.endsWith('/log')
        ? 'pods/log'
        : (/^\/(?:api\/v1|apis\/batch\/v1)(?:\/namespaces\/[^/]+)?\/([a-z]+)/.exec(path)?.[1] ??
          path.split('/').at(-1)!);
    if (this.denied.has(resource))
      throw new Refusal(
        403,
        'Forbidden',
        `${resource} is forbidden: User "system:serviceaccount:${this.objects.namespace}:ckf-backup" cannot use resource "${resource}"`,
      );
  }

  #exec(request: IncomingMessage, connection: Duplex, head: Buffer): void {
    const url = new URL(request.url ?? '/', 'https://kubernetes');
    const { pod, container, command, ...flags } = parseExec(this.objects.namespace, url);
    const note = this.#note(`EXEC ${pod}/${container} ${command[0] ?? ''}`);
    connection.on('error', () => undefined);
    const fault = this.execFaults.shift();
    try {
      this.#authorize(request, url.pathname);
      const place = this.objects.pod(pod).containers[container];
      if (!place)
        throw new Refusal(400, 'BadRequest', `container ${container} is not valid for pod ${pod}`);
      this.#sockets.handleUpgrade(request, connection, head, (socket) => {
        socket.on('error', () => undefined);
        if (fault?.kind === 'silent') {
          socket.pause();
          return;
        }
        const owner = `${pod}/${container}`;
        void runProcess(
          socket,
          place,
          { command, ...flags },
          fault,
          (child) => {
            this.#processes.set(child, owner);
            child.once('exit', () => this.#processes.delete(child));
          },
          () => {
            this.restart(pod, container);
          },
        )
          .catch(() => {
            socket.terminate();
          })
          .finally(() => this.observer?.(note, 'after'));
      });
    } catch (error) {
      const { status, body } = toStatus(error);
      connection.end(
        `HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
          `Connection: close\r\n\r\n${body}`,
      );
    }
  }
}

/** The JSON of a request; undefined when it has none. */
const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
  const text = Buffer.concat(chunks).toString();
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 'BadRequest', 'the body is no JSON');
  }
};
