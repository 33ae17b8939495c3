import type { EndedRun } from '../schedule/current-run.ts';
import type { Decision } from '../schedule/decision.ts';
import type { Unused } from '../schedule/passed-slots.ts';
import { keepEnd, keepSession } from '../sessions/deliver.ts';
import type { Session } from '../sessions/session.ts';
import { secondText } from '../text.ts';
import type { World } from '../world.ts';

/**
 * Keeps records in the journal for what a decision found out: slots that get no run, and runs that
 * ended without success and may have been killed before they could write their own records. Returns
 * the records of the former.
 */
export const recordDecision = async (
  { journal, unit }: Pick<World, 'journal' | 'unit'>,
  { unused, ended }: Decision,
  now: Date,
): Promise<readonly Session[]> => {
  const sessions = unused.map((slots) => unusedSession(slots, unit, now));
  for (const session of sessions) await keepSession(journal, session);
  for (const { state, ...run } of ended)
    if (state !== 'succeeded') await keepEnd(journal, endedSession({ ...run, state }, unit, now));
  return sessions;
};

const unusedSession = (
  { phase, first, last, count, reason }: Unused,
  unit: string,
  now: Date,
): Session => ({
  ...sessionOf(first, unit, now),
  ...{ phase, reason },
  ...(count > 1 && { slots: { count, last: secondText(last) } }),
});

const endedSession = (
  {
    slot,
    attempt,
    task,
    state,
  }: EndedRun & { readonly state: Exclude<EndedRun['state'], 'succeeded'> },
  unit: string,
  now: Date,
): Session => {
  const { phase, code, reason } = endings[state];
  return {
    ...sessionOf(slot, unit, now),
    ...{ phase, code, task, attempt, reason: `${reason} See juju show-task ${task}.` },
    inferred: true,
  };
};

const sessionOf = (slot: Date, unit: string, now: Date): Omit<Session, 'phase'> => {
  const text = secondText(slot);
  return {
    ...{ format: 1, id: text, trigger: 'schedule', slot: text },
    ...{ unit, started: text, finished: secondText(now) },
  };
};

const endings = {
  cancelled: { phase: 'Cancelled', code: 'interrupted', reason: 'Its task was cancelled.' },
  skipped: {
    phase: 'Skipped',
    code: 'backup-running',
    reason: 'Something else was at work when it began.',
  },
  vanished: { phase: 'Failed', code: 'interrupted', reason: 'Its task vanished.' },
  failed: {
    phase: 'Failed',
    code: 'scheduled-backup-failed',
    reason: 'Its task failed before it could begin.',
  },
} as const;
