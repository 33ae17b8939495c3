import type { CopyThread } from '../../../ports/copy-thread.ts';
import type { CopyContext, Moved } from '../copy-context.ts';
import type { FromThread, ThreadJob, ThreadPass, ToThread } from './messages.ts';

/** What only the operation's own thread has of a copy, and other threads ask for. */
export type Asking = Pick<CopyContext, 'mayWrite' | 'bandwidth' | 'learnt'>;

/** A pass whose jobs are done by several threads. */
export interface SharedPass {
  readonly number: number;
  readonly how: ThreadPass;
  /** Undefined when nothing is written. */
  readonly asking: Asking | undefined;
  readonly signal: AbortSignal;
}

/** Undefined when the thread did not bring it to an end: then it has to be done again. */
type Outcome = { readonly result: unknown } | undefined;

interface UnderWay {
  readonly pass: SharedPass;
  readonly job: ThreadJob;
  readonly moved: Moved;
  bytes: number;
  readonly settle: (outcome: Outcome) => void;
}

/** Another thread, as the operation's own one sees it. */
export class Lane {
  /** Of what is under way there. */
  weight = 0;
  readonly #thread: CopyThread;
  readonly #onLost: () => void;
  readonly #asOf: Date | undefined;
  readonly #underWay = new Map<number, UnderWay>();
  readonly #known = new Map<number, SharedPass>();
  #jobs = 0;
  #hasEnded = false;

  /**
   * `onLost` is called when the thread ends by itself. With `asOf` it reads the target as it was
   * then.
   */
  constructor(thread: CopyThread, onLost: () => void, asOf?: Date) {
    this.#thread = thread;
    this.#asOf = asOf;
    this.#onLost = onLost;
    thread.onMessage((message) => {
      this.#hear(message as FromThread);
    });
    thread.onEnd(() => {
      this.#lose();
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Does a job; `moved` as for `copyObject`. Never rejects. */
  do(pass: SharedPass, job: ThreadJob, moved: Moved): Promise<Outcome> {
    if (this.#hasEnded) return Promise.resolve(undefined);
    if (!this.#known.has(pass.number)) {
      this.#known.set(pass.number, pass);
      const asOf = this.#asOf;
      this.#say({ kind: 'begin', pass: pass.number, how: pass.how, ...(asOf && { asOf }) });
    }
    this.#jobs += 1;
    const number = this.#jobs;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#underWay.set(number, { pass, job, moved, bytes: 0, settle: resolve });
    this.#say({ kind: 'do', pass: pass.number, number, job });
    return promise;
  }

  /** The pass is over. What is still under way breaks off, and the thread with it. */
  async leave({ number }: SharedPass): Promise<void> {
    if (!this.#known.delete(number) || this.#hasEnded) return;
    if (this.#underWay.values().some(({ pass }) => pass.number === number)) await this.end();
    else this.#say({ kind: 'end', pass: number });
  }

  async end(): Promise<void> {
    this.#hasEnded = true;
    await this.#thread.end();
  }

  #say(message: ToThread): void {
    this.#thread.post(message);
  }

  #hear(message: FromThread): void {
    if (message.kind === 'may') {
      void this.#answer(message);
      return;
    }
    const one = this.#underWay.get(message.number);
    if (one === undefined) return;
    one.bytes += message.bytes;
    if (message.bytes !== 0) one.moved(message.bytes);
    if (message.kind === 'moved') return;
    this.#underWay.delete(message.number);
    Object.assign(one.job, message.left);
    const { asking } = one.pass;
    if (message.usedParts && asking !== undefined) asking.learnt.usedParts = true;
    one.settle(message.done);
  }

  async #answer({ question, pass, use }: Extract<FromThread, { kind: 'may' }>): Promise<void> {
    const { asking, signal } = this.#known.get(pass) ?? {};
    let isYes = asking !== undefined;
    try {
      if (use === undefined) await asking?.mayWrite?.();
      else await asking?.bandwidth.take(use, signal);
    } catch {
      isYes = false;
    }
    if (!this.#hasEnded) this.#say({ kind: 'answer', question, isYes });
  }

  #lose(): void {
    const byItself = !this.#hasEnded;
    this.#hasEnded = true;
    for (const { pass, moved, bytes, settle } of this.#underWay.values()) {
      moved(-bytes);
      // It may have left some.
      if (pass.asking !== undefined) pass.asking.learnt.usedParts = true;
      settle(undefined);
    }
    this.#underWay.clear();
    if (byItself) this.#onLost();
  }
}
