import { hasCode } from '../errors.ts';
import type { ObjectStore } from '../world.ts';

/** A small object as text; undefined when it is not there. */
export const readText = async (
  store: Pick<ObjectStore, 'read'>,
  key: string,
): Promise<string | undefined> => {
  try {
    return (await store.read(key)).toString('utf8');
  } catch (error) {
    if (hasCode(error, 'object-missing')) return undefined;
    throw error;
  }
};
