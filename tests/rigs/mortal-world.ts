import type { JujuModel, World } from '../../src/world.ts';

/**
 * A call that changes something outside, such as `target.put ckf/lock.json`, and which of that
 * name, from 1.
 */
export interface Step {
  readonly what: string;
  readonly nth: number;
}

/** Where the process dies: before a step is done, or after it was, without hearing of it. */
export interface Death extends Step {
  readonly when: 'before' | 'after';
}

export interface MortalWorld {
  readonly world: World;
  readonly steps: readonly Step[];
  /** Resolves when it has died. */
  readonly died: Promise<'died'>;
  /** The action has ended: the databases hear of what was handed to them. */
  commit(): Promise<void>;
}

/**
 * A world in which a process dies at a step: from then on nothing that it asks for is done, or
 * answered. What it handed to the databases is lost with it, because Juju tells them only when an
 * action has ended well; `commit` is that end.
 */
export const mortalWorld = (world: World, death?: Death): MortalWorld => {
  const steps: Step[] = [];
  const counts = new Map<string, number>();
  const died = Promise.withResolvers<'died'>();
  const handed: (readonly [string, string])[] = [];
  let isDead = false;
  const never = <T>(): Promise<T> => new Promise<T>(() => undefined);
  const die = <T>(): Promise<T> => {
    isDead = true;
    died.resolve('died');
    return never();
  };

  const step = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    if (isDead) return never();
    const nth = (counts.get(what) ?? 0) + 1;
    counts.set(what, nth);
    steps.push({ what, nth });
    const isTheEnd = death?.what === what && death.nth === nth;
    if (isTheEnd && death.when === 'before') return die();
    const result = await work();
    return isTheEnd ? die() : alive(result);
  };
  const alive = <T>(result: T): T | Promise<T> => (isDead ? never<T>() : result);

  /**
   * The port with every call answered by a living world only; those that `named` names are steps.
   */
  const mortal = <T extends object>(
    port: T,
    named: (method: string, words: readonly unknown[]) => string | undefined,
  ): T =>
    new Proxy(port, {
      get: (target, property) => {
        const member: unknown = Reflect.get(target, property, target);
        if (typeof member !== 'function') return member;
        return (...words: unknown[]): unknown => {
          const call = (): unknown => Reflect.apply(member, target, words) as unknown;
          const name = typeof property === 'string' ? named(property, words) : undefined;
          if (name !== undefined) return step(name, async () => call());
          if (isDead) return never();
          const result = call();
          return result instanceof Promise ? result.then(alive) : result;
        };
      },
    });

  const store =
    (place: string) =>
    (method: string, [key, second]: readonly unknown[]): string | undefined =>
      ['put', 'copy', 'upload', 'startParts', 'delete'].includes(method)
        ? `${place}.${method} ${method === 'copy' ? String(second) : String(key)}`.replaceAll(
            /(-test-|locks\/)[0-9a-f-]+/g,
            '$1…',
          )
        : undefined;
  const juju = (method: string, words: readonly unknown[]): string | undefined =>
    method === 'scale' || (method === 'runAction' && words[1] === 'restore')
      ? `juju.${method} ${words.slice(0, 2).join(' ')}`
      : undefined;

  return {
    steps,
    died: died.promise,
    commit: async () => {
      for (const [endpoint, path] of handed) await world.handPath(endpoint, path);
    },
    world: {
      ...world,
      journal: mortal(world.journal, (method, words) =>
        ['record', 'remove', 'setDatabasePath'].includes(method)
          ? `journal.${method} ${nameIn(words[0])}`
          : undefined,
      ),
      progress: mortal(world.progress, () => undefined),
      clock: mortal(world.clock, () => undefined),
      openTarget: async () => {
        const target = await world.openTarget();
        return { ...target, store: mortal(target.store, store('target')) };
      },
      openSource: async (bucket) => {
        const source = await world.openSource(bucket);
        return { ...source, store: mortal(source.store, store('source')) };
      },
      openKubernetes: async () =>
        mortal(await world.openKubernetes(), (method, [, command]) =>
          method === 'exec' && Array.isArray(command) ? `exec ${verbIn(command)}` : undefined,
        ),
      openJuju: async () => mortal<JujuModel>(await world.openJuju(), juju),
      handPath: async (endpoint, path) =>
        step(`handPath ${endpoint}`, async () => {
          handed.push([endpoint, path]);
        }),
    },
  };
};

const nameIn = (word: unknown): string =>
  typeof word === 'object' && word !== null && 'application' in word
    ? String(word.application)
    : String(word);

/** Of `python3 -I -c <script> <verb> …`. */
const verbIn = (command: readonly unknown[]): string =>
  command[0] === 'python3' ? String(command[4]) : String(command[0]);
