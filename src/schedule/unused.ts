import { type SeenTask, coveringTask } from './tasks.ts';

/** Slots that get no run, from `first` to `last`. */
export interface Unused {
  readonly phase: 'Skipped' | 'Missed';
  readonly first: Date;
  readonly last: Date;
  readonly count: number;
  readonly reason: string;
}

/**
 * Records for slots that get no run, in their order. Those that another backup covered are
 * `Skipped`; the others get this phase and reason.
 */
export const unusedSlots = (
  slots: readonly Date[],
  tasks: readonly SeenTask[] | undefined,
  phase: Unused['phase'],
  reason: string,
): readonly Unused[] => {
  const groups: Unused[] = [];
  for (const slot of slots) {
    const covering = coveringTask(tasks, slot);
    const one: Unused = {
      ...{ first: slot, last: slot, count: 1 },
      ...(covering === undefined
        ? { phase, reason }
        : {
            phase: 'Skipped',
            reason: `The backup of task ${covering.task} was being made at that time, and succeeded.`,
          }),
    };
    const last = groups.at(-1);
    if (last?.phase === one.phase && last.reason === one.reason)
      groups[groups.length - 1] = { ...last, last: slot, count: last.count + 1 };
    else groups.push(one);
  }
  return groups;
};
