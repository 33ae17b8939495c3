import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { serveCopies } from '../../src/components/buckets/threads/serve-copies.ts';
import type { Clock, CopyThread, ObjectStore } from '../../src/world.ts';

interface FakeThreadStores {
  readonly target: ObjectStore;
  readonly source: ObjectStore;
  readonly clock: Clock;
  /** The thread dies instead of saying this message, counted from 1; never by default. */
  readonly diesAt?: number;
}

/**
 * A thread for the bucket `mlpipeline` that lives in this one. What is said is copied on its way,
 * as between real threads. From its end on it calls no store; what it had called is over when it
 * has ended.
 */
export const fakeCopyThread = (stores: FakeThreadStores): CopyThread => {
  const { port1: near, port2: far } = new MessageChannel();
  const calls = new Set<Promise<unknown>>();
  let ending: Promise<void> | undefined;
  const onEnd: (() => void)[] = [];
  let said = 0;
  const end = (): Promise<void> =>
    (ending ??= (async () => {
      far.removeAllListeners('message');
      await Promise.allSettled(calls);
      near.close();
      for (const handler of onEnd) handler();
    })());
  const mortal = (store: ObjectStore): ObjectStore =>
    new Proxy(store, {
      get: (_, name) => {
        const member: unknown = Reflect.get(store, name, store);
        if (name === 'asOf') return (time: Date) => mortal(store.asOf(time));
        if (typeof member !== 'function') return member;
        return (...parameters: readonly unknown[]): unknown => {
          if (ending !== undefined) return new Promise(() => undefined);
          const result: unknown = Reflect.apply(member, store, parameters);
          if (result instanceof Promise) {
            calls.add(result);
            const forget = (): unknown => calls.delete(result);
            result.then(forget, forget);
          }
          return result;
        };
      },
    });
  serveCopies(
    {
      post: (message) => {
        if (ending !== undefined) return;
        said += 1;
        if (said === stores.diesAt) void end();
        else far.postMessage(message);
      },
      onMessage: (handler) => {
        listen(far, handler);
      },
    },
    {
      target: mortal(stores.target),
      sources: new Map([['mlpipeline', mortal(stores.source)]]),
      clock: stores.clock,
    },
  );
  return {
    post: (message) => {
      near.postMessage(message);
    },
    onMessage: (handler) => {
      listen(near, handler);
    },
    onEnd: (handler) => void onEnd.push(handler),
    end,
  };
};

const listen = (port: MessagePort, handler: (message: unknown) => void): void => {
  port.on('message', handler);
};
