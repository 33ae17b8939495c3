import { type SeenTask, coveringTask, taskOfSlot } from './tasks.ts';

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
 * `Skipped`; the others get this phase and reason. A slot may have a run of its own, which was
 * enqueued by a hook that was killed: that run has a record, unless it died. It is never the first
 * of several slots, because its record replaces this one.
 */
export const unusedSlots = (
  slots: readonly Date[],
  tasks: readonly SeenTask[] | undefined,
  phase: Unused['phase'],
  reason: string,
): readonly Unused[] => {
  const groups: Unused[] = [];
  let mayJoin = true;
  for (const slot of slots) {
    const own = taskOfSlot(tasks, slot);
    if (own?.state === 'succeeded' || own?.state === 'active') {
      mayJoin = false;
      continue;
    }
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
    if (mayJoin && own === undefined && last?.phase === one.phase && last.reason === one.reason)
      groups[groups.length - 1] = { ...last, last: slot, count: last.count + 1 };
    else groups.push(one);
    mayJoin = own === undefined;
  }
  return groups;
};
