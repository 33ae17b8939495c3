import { countText } from '../../../src/text.ts';
import type { Box } from '../../../tests/sandbox/box.ts';
import type { ActionRun } from '../../../tests/sandbox/box/actions.ts';
import type { Bar } from './draw.ts';

/** What was seen of an action while it ran. */
export interface WatchedRun {
  readonly run: ActionRun;
  /** When it began, in milliseconds since 1970. */
  readonly began: number;
  /** What the status of the unit said, one after the other. */
  readonly steps: readonly Bar[];
  /** When an application had fewer or more units than before the action. */
  readonly scales: readonly Bar[];
}

/** Runs an action in the box, and looks every twentieth of a second what it changed. */
export const watchAction = async (
  box: Box,
  action: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<WatchedRun> => {
  const before = box.scales();
  const began = Date.now();
  const steps: Bar[] = [];
  const scales: Bar[] = [];
  /** What is as it was at the last look grows; anything else begins anew. */
  const note = (bars: Bar[], at: number, last: number, bar: Omit<Bar, 'from' | 'to'>): void => {
    const index = bars.findLastIndex(({ name, to }) => name === bar.name && to === last);
    const found = bars[index];
    if (found) bars[index] = { ...found, to: at };
    else bars.push({ ...bar, from: at, to: at });
  };
  let last = 0;
  const look = (): void => {
    const at = (Date.now() - began) / 1000;
    const { status, message } = box.unit.agent.state.unitStatus;
    if (status === 'maintenance') note(steps, at, last, { name: message, kind: 'work' });
    for (const [name, scale] of Object.entries(box.scales())) {
      const usual = before[name] ?? scale;
      const kind = scale < usual ? 'down' : 'more';
      if (scale !== usual)
        note(scales, at, last, {
          name: `${name} has ${scale} instead of ${countText(usual, 'unit')}`,
          kind,
        });
    }
    last = at;
  };
  const timer = setInterval(look, 50);
  try {
    const run = await box.run(action, parameters);
    return { run, began, steps, scales };
  } finally {
    clearInterval(timer);
  }
};
