import { excerpt } from '../text.ts';
import type { HookTools, Progress } from '../world.ts';

/** Juju 3.6 silently drops an action's lines after the thousandth. */
const mostLines = 900;

/** Characters; a longer line holds something from outside that nobody reads. */
const longestLine = 2000;

/**
 * Shows an action's progress in its log and, step by step, in the unit's status. When Juju does not
 * take a line, it is dropped: while the controller is upgraded the agent cannot reach it, and no
 * backup may fail for that.
 */
export const actionProgress = (tools: HookTools): Progress => {
  let lines = 0;
  const say = async (message: string): Promise<void> => {
    lines++;
    if (lines < mostLines) await orNot(tools.actionLog(excerpt(message, longestLine)));
    if (lines === mostLines)
      await orNot(tools.actionLog('Juju takes no more lines than this; the unit status goes on.'));
  };
  return {
    note: say,
    step: async (message) => {
      await say(message);
      await orNot(tools.setStatus({ name: 'maintenance', message }, 'unit'));
    },
  };
};

/** In a hook there is no action log, so lines go to Juju's log. */
export const hookProgress = (tools: HookTools): Progress => ({
  note: (message) => orNot(tools.log('DEBUG', message)),
  step: (message) => orNot(tools.log('INFO', message)),
});

const orNot = async (telling: Promise<void>): Promise<void> => telling.catch(() => undefined);
