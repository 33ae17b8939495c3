import { takeOverPath } from '../components/databases/paths.ts';
import type { Config } from '../config/config.ts';
import { beginOperation, type Operation } from '../operation/operation.ts';
import type { World } from '../world.ts';
import type { ReadyRestore } from './preflight.ts';
import type { RestoreRequest } from './set.ts';

/** A restore that has begun. */
export interface Restore extends Operation {
  readonly world: World;
  readonly config: Config;
  readonly request: RestoreRequest;
  readonly ready: ReadyRestore;
}

export const beginRestore = async (
  outside: World,
  config: Config,
  request: RestoreRequest,
  ready: ReadyRestore,
): Promise<Restore> => {
  const { target } = ready;
  const operation = await beginOperation(outside, target, {
    ...{ name: 'restore', stoppable: { ...outside, juju: ready.juju } },
  });
  const world = { ...outside, signal: operation.signal };
  try {
    if (request.takeOver) await takeOverPath(world, target);
    return { ...operation, world, config, request, ready };
  } catch (error) {
    await operation[Symbol.asyncDispose]();
    throw error;
  }
};
