import { CharmError } from '../../../errors.ts';
import type { ThreadPort } from '../../../ports/copy-thread.ts';
import type { CopyJob } from '../copy-object.ts';
import type { FromThread, ThreadJob, ToThread } from './messages.ts';
import { type Performer, performerOf, type ThreadStores } from './perform.ts';

/** So many bytes of a copy move before they are told of. */
const telling = 2 ** 20;

/**
 * Copies and reads what the operation's thread asks for, until this thread is ended from there.
 * Whether something may still be replaced, and how many bytes may move, is asked over there.
 */
export const serveCopies = (port: ThreadPort, stores: ThreadStores): void => {
  const passes = new Map<number, Performer>();
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
  const perform = async (performer: Performer, number: number, job: ThreadJob): Promise<void> => {
    let bytes = 0;
    const moved = (more: number): void => {
      bytes += more;
      if (bytes < telling) return;
      say({ kind: 'moved', number, bytes });
      bytes = 0;
    };
    let done: Extract<FromThread, { kind: 'ended' }>['done'];
    try {
      done = await performer.perform(job, moved);
    } catch {
      // The operation's thread tries it again, and has the failure then.
    }
    const { usedParts } = performer.learnt;
    const left = 'archived' in job && leftOf(job);
    say({ kind: 'ended', number, bytes, usedParts, done, ...(left && { left }) });
  };
  port.onMessage((received) => {
    const message = received as ToThread;
    switch (message.kind) {
      case 'begin':
        passes.set(
          message.pass,
          performerOf(stores, message, (use) => ask(message.pass, use)),
        );
        break;
      case 'do': {
        const performer = passes.get(message.pass);
        if (performer === undefined) throw new TypeError(`there is no pass ${message.pass}`);
        void perform(performer, message.number, message.job);
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

const leftOf = ({
  source,
  mirror,
  archived,
}: CopyJob): Pick<CopyJob, 'source' | 'mirror' | 'archived'> => ({
  source,
  mirror,
  archived,
});
