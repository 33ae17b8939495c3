import type { World } from '../../src/world.ts';
import { intercept } from '../rigs/intercept.ts';
import type { TeamWorldRig } from '../rigs/team-world.ts';

/** Milliseconds: as old as an answer may be, and what a look itself takes. */
const grace = 20_000;

/**
 * Notes what units write into a bucket for a shard that others have taken from them: from then on
 * such a unit has to ask before it writes, and is told so.
 */
export const watchLateWrites = (rig: TeamWorldRig, units: number): readonly string[] => {
  const late: string[] = [];
  const gone = new Map<string, number>();
  intercept(rig.target, 'delete', (original) => async (keys) => {
    for (const key of keys) gone.set(key, rig.clock.now().getTime());
    return original(keys);
  });
  const watched = (world: World): World => {
    let claim: string | undefined;
    return {
      ...world,
      openTarget: async () => {
        const target = await world.openTarget();
        const store = calling(target.store, {
          put: (key) => {
            if (isClaim(key)) claim = String(key);
          },
          delete: (keys) => {
            if (claim !== undefined && (keys as string[]).includes(claim)) claim = undefined;
          },
        });
        return { ...target, store };
      },
      openSource: async (bucket) => {
        const source = await world.openSource(bucket);
        const store = calling(source.store, {
          put: (key) => {
            const lost = claim === undefined ? undefined : gone.get(claim);
            if (lost === undefined) return;
            const age = rig.clock.now().getTime() - lost;
            if (age > grace) late.push(`${world.unit} wrote ${String(key)}, ${age} ms too late`);
          },
        });
        return { ...source, store };
      },
    };
  };
  for (let unit = 0; unit < units; unit += 1) rig.worlds.set(unit, watched(rig.worldOf(unit)));
  return late;
};

const isClaim = (key: unknown): boolean => /\/shards\/[^/]+\/claims\//.test(String(key));

/** The port, with these told of the calls of the same name. */
const calling = <Port extends object>(
  port: Port,
  told: Readonly<Record<string, (first: unknown) => void>>,
): Port =>
  new Proxy(port, {
    get: (_, name) => {
      const member: unknown = Reflect.get(port, name, port);
      if (typeof member !== 'function') return member;
      return (...words: readonly unknown[]): unknown => {
        told[String(name)]?.(words[0]);
        return Reflect.apply(member, port, words);
      };
    },
  });
