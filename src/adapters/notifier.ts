import { rootCertificates } from 'node:tls';
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';
import { CharmError } from '../errors.ts';
import type { Clock, Notice, NoticeKind, Notifier } from '../world.ts';
import { retry } from './retry.ts';

interface NotifierOptions {
  readonly url: string;
  /** PEM, in addition to the authorities that everybody trusts. */
  readonly ca: string | undefined;
  readonly style: 'text' | 'healthchecks';
  /** Takes secrets out of what is sent. */
  readonly redact: (text: string) => string;
  /** The proxy to ask through; undefined when there is none for this address. */
  readonly proxy: URL | undefined;
  readonly clock: Clock;
  /** Milliseconds of one attempt. */
  readonly patience?: number;
}

/**
 * What is put behind the path of the URL for each kind, as https://healthchecks.io/docs/http_api
 * names it; undefined: it is not sent. A run that was skipped is not sent, so that such a service
 * alarms when no other run comes in time.
 */
const healthchecksPath: Readonly<Record<NoticeKind, string | undefined>> = {
  started: '/start',
  succeeded: '',
  failed: '/fail',
  skipped: undefined,
  test: '/log',
};

/**
 * Posts notices to a web address: `{"text": …}`, which chat services take, or text to the paths of
 * healthchecks.io and its like. An attempt takes five seconds at most; there are three of them, of
 * a beginning only one, because the run waits for it.
 */
export const openNotifier = (options: NotifierOptions): Notifier => ({
  send: async (notice) => {
    const { clock } = options;
    const address = addressOf(options, notice.kind);
    if (address === undefined) return;
    const agent = openDispatcher(options);
    try {
      await retry(() => post(address, agent, notice, options), {
        clock,
        mayPass: (error) => error instanceof NotTaken && error.passes,
        pauses: [1000, 4000],
        attempts: notice.kind === 'started' ? 1 : 3,
      });
    } catch (error) {
      throw error instanceof NotTaken ? failed(error.message) : error;
    } finally {
      await agent.destroy();
    }
  },
});

const addressOf = ({ url, style }: NotifierOptions, kind: NoticeKind): URL | undefined => {
  const address = new URL(url);
  if (style === 'text') return kind === 'started' ? undefined : address;
  const path = healthchecksPath[kind];
  if (path === undefined) return undefined;
  address.pathname = address.pathname.replace(/\/+$/, '') + path;
  return address;
};

const openDispatcher = ({ proxy, ca }: NotifierOptions): Dispatcher => {
  const tls = ca === undefined ? {} : { ca: [...rootCertificates, ca] };
  if (proxy === undefined) return new Agent({ connect: tls });
  return new ProxyAgent({ uri: proxy.href, requestTls: tls, proxyTls: tls });
};

const post = async (
  address: URL,
  dispatcher: Dispatcher,
  { text }: Notice,
  { style, redact, patience = 5000 }: NotifierOptions,
): Promise<void> => {
  const isText = style === 'text';
  const reply = await request(address, {
    method: 'POST',
    dispatcher,
    headers: { 'content-type': isText ? 'application/json' : 'text/plain; charset=utf-8' },
    body: isText ? JSON.stringify({ text: redact(text) }) : redact(text),
    signal: AbortSignal.timeout(patience),
  }).catch((error: unknown) => {
    throw new NotTaken(`the address could not be reached (${codeOf(error)})`, true);
  });
  reply.body.on('error', () => undefined).destroy();
  const { statusCode } = reply;
  if (statusCode >= 200 && statusCode < 300) return;
  throw new NotTaken(
    `it answered with status ${statusCode}`,
    statusCode >= 500 || statusCode === 429 || statusCode === 408,
  );
};

/** Why one attempt failed, and whether another one may do better. */
class NotTaken extends Error {
  readonly passes: boolean;

  constructor(why: string, passes: boolean) {
    super(why);
    this.passes = passes;
  }
}

/** What undici says holds the host's name, and that is part of the secret. */
const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown';
  if (error.name === 'TimeoutError') return 'timeout';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
};

const failed = (why: string): CharmError =>
  new CharmError(
    'notification-failed',
    `The message for notify-url was not taken: ${why}. The backup itself does not depend on it. Look at the secret of the option notify-url, and at juju model-config juju-https-proxy.`,
  );
