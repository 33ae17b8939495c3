import { CharmError } from '../../../errors.ts';
import { nowAndThen } from '../../../operation/now-and-then.ts';
import type { ThreadPort } from '../../../ports/copy-thread.ts';
import type { Clock, ObjectStore } from '../../../world.ts';
import { createBandwidth, type Bandwidth } from '../bandwidth.ts';
import { nothingLearnt, type CopyContext } from '../copy-context.ts';
import { copyObject, type CopyJob } from '../copy-object.ts';
import type { FromThread, ThreadPass, ToThread } from './messages.ts';

/** What a thread that copies has of its own. */
interface ThreadStores {
  readonly target: ObjectStore;
  readonly sources: ReadonlyMap<string, ObjectStore>;
  readonly clock: Clock;
}

/** So many bytes of a copy move before they are told of. */
const telling = 2 ** 20;

/**
 * Copies what the operation's thread asks for, until this thread is ended from there. Whether
 * something may still be replaced, and how many bytes may move, is asked over there.
 */
export const serveCopies = (port: ThreadPort, stores: ThreadStores): void => {
  const passes = new Map<number, CopyContext>();
  const questions = new Map<number, (isYes: boolean) => void>();
  let asked = 0;
  const say = (message: FromThread): void => {
    port.post(message);
  };
  const ask = async (pass: number, use?: number): Promise<void> => {
    asked += 1;
    const question = asked;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    questions.set(question, resolve);
    say({ kind: 'may', question, pass, ...(use !== undefined && { use }) });
    const isYes = await promise;
    questions.delete(question);
    if (!isYes) throw new CharmError('interrupted', 'The operation copies no more.');
  };
  const copy = async (context: CopyContext, number: number, job: CopyJob): Promise<void> => {
    let bytes = 0;
    const moved = (more: number): void => {
      bytes += more;
      if (bytes < telling) return;
      say({ kind: 'moved', copy: number, bytes });
      bytes = 0;
    };
    let done: Extract<FromThread, { kind: 'ended' }>['done'];
    try {
      done = { result: await copyObject(context, job, moved) };
    } catch {
      // The operation's thread tries it again, and has the failure then.
    }
    const { usedParts } = context.learnt;
    say({ kind: 'ended', copy: number, bytes, job, usedParts, done });
  };
  port.onMessage((received) => {
    const message = received as ToThread;
    switch (message.kind) {
      case 'begin':
        passes.set(
          message.pass,
          contextOf(stores, message.how, (use) => ask(message.pass, use)),
        );
        break;
      case 'copy': {
        const context = passes.get(message.pass);
        if (context === undefined) throw new TypeError(`there is no pass ${message.pass}`);
        void copy(context, message.copy, message.job);
        break;
      }
      case 'answer':
        questions.get(message.question)?.(message.isYes);
        break;
      case 'end':
        passes.delete(message.pass);
    }
  });
};

const contextOf = (
  { target, sources, clock }: ThreadStores,
  { bucket, timetable, ...how }: ThreadPass,
  ask: (use?: number) => Promise<void>,
): CopyContext => {
  const from = sources.get(bucket);
  if (from === undefined) throw new TypeError(`the bucket ${bucket} is not open`);
  const limit = createBandwidth(timetable, clock);
  const bandwidth: Bandwidth = { ...limit, take: (bytes) => ask(bytes) };
  return {
    ...{ ...how, from, to: target, bandwidth, clock },
    mayWrite: nowAndThen(clock, () => ask()),
    // Whoever wants this thread to stop ends it.
    signal: new AbortController().signal,
    learnt: nothingLearnt(),
  };
};
