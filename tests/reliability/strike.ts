import assert from 'node:assert/strict';
import type { StartedAction } from '../sandbox/box/actions.ts';
import { lookOn, type Moment } from './moments.ts';
import type { Rig } from './rig.ts';

/** What happens to an action. */
export interface Blow {
  readonly signal: 'SIGKILL' | 'SIGTERM';
  /** At a moment, or so many milliseconds after its beginning. */
  readonly at: Moment | number;
  /** What the unit does next: its regular hook, or it comes back on a fresh disk. */
  readonly next: 'update-status' | 'new pod';
}

/**
 * Starts an action and hits it. Returns whether the process died of the blow; it may have ended
 * before.
 */
export const strike = async (
  rig: Rig,
  { signal, at }: Pick<Blow, 'signal' | 'at'>,
  start: () => StartedAction,
  look = lookOn,
): Promise<boolean> => {
  let hit = false;
  const blow = (): void => {
    hit = true;
    started.signal(signal);
  };
  using _looking = look(rig, ({ what, nth, when }) => {
    if (hit || typeof at === 'number' || what !== at.what || nth !== at.nth || when !== at.when)
      return undefined;
    blow();
    return when === 'before' && signal === 'SIGKILL' ? 'drop' : undefined;
  });
  const started = start();
  const timer = typeof at === 'number' ? setTimeout(blow, at) : undefined;
  const { dispatch, status, message } = await started.done;
  clearTimeout(timer);
  if (dispatch.signal === null) assert.equal(status, 'completed', message);
  else assert.equal(dispatch.signal, signal);
  return dispatch.signal !== null;
};
