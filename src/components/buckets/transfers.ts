/** How a transfer went. It decides how many run at a time from then on. */
export interface TransferOutcome {
  /**
   * How long the servers took for a small object, in ms, without the wait for bandwidth; undefined
   * for a large one.
   */
  readonly latency?: number;
  /** Whether a server could not be reached or asked us to slow down. */
  readonly overloaded?: boolean;
}

/** Milliseconds for a small object. */
const drowning = 1000;

/**
 * How many transfers are in flight. It starts at 16 or `most`, whichever is less, grows by a half
 * each time that it was used up, and never exceeds `most` (the option `transfers`). It is halved
 * when servers fail under the load. It falls by a fifth while small objects take more than a second
 * and many times longer than at best, because then the servers are overloaded. So it finds the
 * number that both servers can bear.
 */
export class Transfers {
  readonly #most: number;
  readonly #waiting: { readonly weight: number; readonly go: () => void }[] = [];
  #limit: number;
  #inFlight = 0;
  #best = Infinity;
  #ended = 0;
  #samples = 0;
  #latency = 0;
  #overloaded = false;
  #usedUp = false;

  constructor(most: number) {
    this.#most = most;
    this.#limit = Math.min(16, most);
  }

  get limit(): number {
    return this.#limit;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Resolves when there is room, in the order of the calls. A heavy transfer fills several places,
   * so that few large ones run side by side.
   */
  async enter(weight: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#hasRoom(weight)) {
      this.#inFlight += weight;
      return;
    }
    this.#usedUp = true;
    await new Promise<void>((go) => {
      this.#waiting.push({ weight, go });
    });
  }

  leave(weight: number, outcome: TransferOutcome): void {
    this.#inFlight -= weight;
    this.#learn(outcome);
    for (;;) {
      const next = this.#waiting[0];
      if (!next || !this.#hasRoom(next.weight)) return;
      this.#waiting.shift();
      this.#inFlight += next.weight;
      next.go();
    }
  }

  #hasRoom(weight: number): boolean {
    return this.#inFlight === 0 || this.#inFlight + weight <= this.#limit;
  }

  #learn({ latency, overloaded }: TransferOutcome): void {
    this.#ended += 1;
    if (latency !== undefined) {
      this.#samples += 1;
      this.#latency += latency;
    }
    this.#overloaded ||= overloaded === true;
    if (this.#ended < Math.max(8, this.#limit)) return;
    this.#adjust();
    this.#ended = this.#samples = this.#latency = 0;
    this.#overloaded = this.#usedUp = false;
  }

  #adjust(): void {
    const average = this.#samples > 0 ? this.#latency / this.#samples : undefined;
    // The best time drifts up slowly, so that a link that became slower does not keep the number
    // down for ever.
    if (average !== undefined) this.#best = Math.min(this.#best * 1.01, Math.max(1, average));
    if (this.#overloaded) this.#set(this.#limit / 2);
    else if (average !== undefined && average > Math.max(drowning, 10 * this.#best))
      this.#set(this.#limit * 0.8);
    else if (this.#usedUp) this.#set(this.#limit * 1.5 + 1);
  }

  #set(limit: number): void {
    this.#limit = Math.min(this.#most, Math.max(1, Math.floor(limit)));
  }
}
