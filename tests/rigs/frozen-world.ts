import type { World } from '../../src/world.ts';

export interface FrozenWorld {
  readonly world: World;
  /** Resolves when it is frozen. */
  readonly frozen: Promise<void>;
  thaw(): void;
}

const listings = new Set<string | symbol>(['list', 'listPrefixes', 'unfinishedUploads']);

const writes = new Set<string | symbol>(['put', 'upload', 'copy', 'copyFrom', 'delete']);

/** They ask nobody. */
const plain = new Set<string | symbol>(['now', 'origin']);

/**
 * A world in which a process is stopped as by SIGSTOP, or with its whole machine, before a call of
 * the target's or the source's store: from then on it asks for nothing and hears of nothing, its
 * clock's sleep included, until it is thawed. It notices nothing but the time. A request that
 * writes is sent at once when it is made, and only its answer comes late: nothing but the server
 * could stop one that is sent later.
 */
export const frozenWorld = (world: World, isTheMoment: (call: string) => boolean): FrozenWorld => {
  const frozen = Promise.withResolvers<undefined>();
  const gate = Promise.withResolvers<undefined>();
  let state: 'moving' | 'frozen' | 'thawed' = 'moving';
  const pass = async (): Promise<void> => {
    if (state === 'frozen') await gate.promise;
  };
  async function* slowly<T>(list: () => AsyncIterable<T>): AsyncGenerator<T> {
    await pass();
    for await (const item of list()) {
      yield item;
      await pass();
    }
  }
  const freezing = <T extends object>(port: T, name: string): T =>
    new Proxy(port, {
      get: (target, property) => {
        const member: unknown = Reflect.get(target, property, target);
        if (typeof member !== 'function') return member;
        return (...words: unknown[]): unknown => {
          const call = (): unknown => Reflect.apply(member, target, words) as unknown;
          if (plain.has(property)) return call();
          if (
            state === 'moving' &&
            isTheMoment(`${name}.${String(property)} ${String(words[0])}`)
          ) {
            state = 'frozen';
            frozen.resolve(undefined);
          }
          if (writes.has(property)) return (call() as Promise<unknown>).finally(pass);
          if (listings.has(property)) return slowly(call as () => AsyncIterable<unknown>);
          return pass().then(call).finally(pass);
        };
      },
    });
  return {
    frozen: frozen.promise,
    thaw: () => {
      state = 'thawed';
      gate.resolve(undefined);
    },
    world: {
      ...world,
      clock: freezing(world.clock, 'clock'),
      openTarget: async () => {
        const target = await world.openTarget();
        return { ...target, store: freezing(target.store, 'target') };
      },
      openSource: async (bucket) => {
        const source = await world.openSource(bucket);
        return { ...source, store: freezing(source.store, 'source') };
      },
    },
  };
};
