import type { WebSocket } from 'ws';
import type { Clock } from '../../world.ts';

/** Pings in the time after which a silent connection is given up; load balancers cut what is idle for a minute. */
const pings = 4;

/**
 * A command may be silent for minutes, and so is a connection that was lost without a word: pings tell them apart.
 * Resolves to false when nothing came back for `silence` milliseconds, and to true when `over` fires. What we do not read
 * ourselves, and what waits to be sent, does not count as silence.
 */
export const staysAlive = async (
  socket: WebSocket,
  clock: Clock,
  silence: number,
  over: AbortSignal,
): Promise<boolean> => {
  const life = { unanswered: 0 };
  for (const event of ['message', 'pong'] as const)
    socket.on(event, () => {
      life.unanswered = 0;
    });
  while (!over.aborted) {
    if (socket.isPaused || socket.bufferedAmount > 0) life.unanswered = 0;
    if (life.unanswered >= pings) return false;
    socket.ping();
    life.unanswered += 1;
    await clock.sleep(silence / pings, over).catch(() => undefined);
  }
  return true;
};
