import type { CopyThread } from '../../../ports/copy-thread.ts';
import type { CopyContext, Moved } from '../copy-context.ts';
import type { CopiedObject, CopyJob } from '../copy-object.ts';
import type { FromThread, ThreadPass, ToThread } from './messages.ts';

/** A pass whose objects are copied by several threads. */
export interface SharedPass {
  readonly number: number;
  readonly context: CopyContext;
  readonly how: ThreadPass;
}

/** Undefined when the thread did not bring it to an end: then it has to be done again. */
type Outcome = { readonly result: CopiedObject | undefined } | undefined;

interface UnderWay {
  readonly pass: SharedPass;
  readonly job: CopyJob;
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
  readonly #underWay = new Map<number, UnderWay>();
  readonly #known = new Map<number, SharedPass>();
  #copies = 0;
  #hasEnded = false;

  /** `onLost` is called when the thread ends by itself. */
  constructor(thread: CopyThread, onLost: () => void) {
    this.#thread = thread;
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

  /** Copies an object; `job` and `moved` as for `copyObject`. Never rejects. */
  copy(pass: SharedPass, job: CopyJob, moved: Moved): Promise<Outcome> {
    if (this.#hasEnded) return Promise.resolve(undefined);
    if (!this.#known.has(pass.number)) {
      this.#known.set(pass.number, pass);
      this.#say({ kind: 'begin', pass: pass.number, how: pass.how });
    }
    this.#copies += 1;
    const copy = this.#copies;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#underWay.set(copy, { pass, job, moved, bytes: 0, settle: resolve });
    this.#say({ kind: 'copy', pass: pass.number, copy, job });
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
    const copy = this.#underWay.get(message.copy);
    if (copy === undefined) return;
    copy.bytes += message.bytes;
    if (message.bytes !== 0) copy.moved(message.bytes);
    if (message.kind === 'moved') return;
    this.#underWay.delete(message.copy);
    Object.assign(copy.job, message.job);
    if (message.usedParts) copy.pass.context.learnt.usedParts = true;
    copy.settle(message.done);
  }

  async #answer({ question, pass, use }: Extract<FromThread, { kind: 'may' }>): Promise<void> {
    const context = this.#known.get(pass)?.context;
    let isYes = context !== undefined;
    try {
      if (use === undefined) await context?.mayWrite?.();
      else await context?.bandwidth.take(use, context.signal);
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
      pass.context.learnt.usedParts = true;
      settle(undefined);
    }
    this.#underWay.clear();
    if (byItself) this.#onLost();
  }
}
