import { CharmError } from '../../src/errors.ts';
import type { ObjectStore } from '../../src/world.ts';

const calls = new Set([
  'list',
  'listPrefixes',
  'head',
  'get',
  'read',
  'put',
  'copy',
  'delete',
  'unfinishedUploads',
  'abortUpload',
]);

/**
 * A store that gives up at its n-th call (from 1): at that one only, or for ever, as it is for a
 * process that dies.
 */
export const dyingStore = (
  store: ObjectStore,
  at: number,
  how: 'once' | 'for ever',
): { readonly store: ObjectStore; readonly calls: () => number } => {
  let count = 0;
  const died = (): void => {
    count += 1;
    if (how === 'once' ? count === at : count >= at)
      throw new CharmError('store-unreachable', `call ${count} was cut off`);
  };
  const dying = new Proxy(store, {
    get: (_, name) => {
      const value: unknown = Reflect.get(store, name, store);
      if (typeof value !== 'function') return value;
      const method = (...parameters: readonly unknown[]): unknown => {
        if (typeof name === 'string' && calls.has(name)) died();
        return Reflect.apply(value, store, parameters) as unknown;
      };
      return method;
    },
  });
  return { store: dying, calls: () => count };
};
