/** What can go wrong with one request. */
export type JujuFault =
  /** The connection is cut and nothing was done. */
  | { readonly kind: 'drop-request' }
  /** It was done, and the connection is cut before the reply. */
  | { readonly kind: 'drop-reply' }
  /**
   * It was done, and the server says goodbye with this code (1001: going away) instead of replying.
   */
  | { readonly kind: 'close'; readonly code: number }
  /** No reply ever comes. */
  | { readonly kind: 'stall' }
  | {
      readonly kind: 'error';
      readonly message: string;
      readonly code: string;
      readonly info?: Readonly<Record<string, unknown>>;
    };

/**
 * The faults to come, each for the next so many requests of a method (`Action.EnqueueOperation`).
 */
export class JujuFaults {
  readonly #planned: { readonly method: string; readonly fault: JujuFault; left: number }[] = [];

  plan(method: string, fault: JujuFault, times = 1): void {
    this.#planned.push({ method, fault, left: times });
  }

  take(method: string): JujuFault | undefined {
    const next = this.#planned.find((plan) => plan.method === method && plan.left > 0);
    if (next) next.left -= 1;
    return next?.fault;
  }
}
