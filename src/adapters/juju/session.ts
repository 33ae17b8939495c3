import { X509Certificate } from 'node:crypto';
import { CharmError } from '../../errors.ts';
import { unlessAborted } from '../../unless-aborted.ts';
import type { Clock } from '../../world.ts';
import { retry } from '../retry.ts';
import { dialFirst, jujuUrl } from './dial.ts';
import { isPassing } from './errors.ts';
import { type FacadeName, callFacade, chooseFacade } from './facades.ts';
import { type JujuAccount, type JujuLogin, logIn } from './login.ts';
import type { JujuRpc } from './rpc.ts';

export interface JujuSessionOptions extends JujuAccount {
  /** Tried in turn, beginning with the one that worked last. */
  readonly endpoints: readonly string[];
  /** PEM. Undefined: the system's CAs are used. */
  readonly ca: string | undefined;
  readonly clock: Clock;
  /** Closes the session for good. */
  readonly signal?: AbortSignal;
}

interface Connection {
  readonly rpc: JujuRpc;
  readonly login: JujuLogin;
}

/** Milliseconds. */
const pauses = [250, 10_000] as const;

/** A logged-in connection to a model. When it is needed and has broken, it is made again. */
export class JujuSession implements AsyncDisposable {
  readonly #options: JujuSessionOptions;
  readonly #urls: URL[];
  readonly #disposed = new AbortController();
  readonly #ended: AbortSignal;
  #connection: Promise<Connection> | undefined;

  constructor(options: JujuSessionOptions) {
    this.#options = options;
    this.#urls = options.endpoints.map((endpoint) => jujuUrl(endpoint, options.model.uuid));
    if (this.#urls.length === 0)
      throw new CharmError(
        'juju-credentials-invalid',
        'No address of a Juju controller is known.',
        { brief: { what: 'No address of the controller', run: 'juju show-controller' } },
      );
    if (options.ca !== undefined) checkCertificate(options.ca);
    this.#ended = options.signal
      ? AbortSignal.any([options.signal, this.#disposed.signal])
      : this.#disposed.signal;
  }

  async login(): Promise<JujuLogin> {
    return (await this.#connected()).login;
  }

  /** One attempt. After a ConnectionLost it is not known whether the controller did it. */
  async call(facade: FacadeName, method: string, params: unknown): Promise<unknown> {
    const { rpc, login } = await this.#connected();
    const offered = login.facades.get(facade) ?? [];
    const chosen = chooseFacade(facade, offered, rpc, login.controllerVersion);
    return callFacade(chosen, method, params);
  }

  /**
   * Repeats a call that may be done twice until the controller answers, for at most `patience`
   * milliseconds: a controller that is upgraded or restarted is away for minutes.
   */
  async retrying<T>(
    work: () => Promise<T>,
    { patience, signal }: { readonly patience: number; readonly signal?: AbortSignal | undefined },
  ): Promise<T> {
    const ends = this.#ends(signal);
    return retry(() => unlessAborted(work(), ends), {
      clock: this.#options.clock,
      signal: ends,
      mayPass: isPassing,
      pauses,
      patience,
    });
  }

  async sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    await this.#options.clock.sleep(milliseconds, this.#ends(signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort(new Error('the session with the Juju controller was closed'));
  }

  #ends(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.#ended]) : this.#ended;
  }

  async #connected(): Promise<Connection> {
    this.#connection ??= this.#connect();
    return this.#connection;
  }

  /**
   * Callers that come while it is made wait for the same connection. It is dropped when it fails or
   * closes.
   */
  async #connect(): Promise<Connection> {
    try {
      const rpc = await this.#dial();
      rpc.closed.addEventListener('abort', () => (this.#connection = undefined), { once: true });
      const login = await logIn(rpc, this.#options).catch((error: unknown) => {
        rpc.close();
        throw error;
      });
      void rpc.keepAlive();
      return { rpc, login };
    } catch (error) {
      this.#connection = undefined;
      throw error;
    }
  }

  async #dial(): Promise<JujuRpc> {
    const { ca, clock } = this.#options;
    const { url, rpc } = await dialFirst(this.#urls, { ca, clock, signal: this.#ended });
    this.#urls.sort((one, other) => Number(other === url) - Number(one === url));
    return rpc;
  }
}

const checkCertificate = (pem: string): void => {
  try {
    new X509Certificate(pem);
  } catch (error) {
    throw new CharmError(
      'juju-credentials-invalid',
      'The CA certificate of the Juju controller is not a certificate in PEM form. Correct ca-cert in the secret of the option juju-credentials, or leave it out to use the one that the unit has.',
      { cause: error, brief: { what: 'ca-cert is not PEM', run: 'juju show-controller' } },
    );
  }
};
