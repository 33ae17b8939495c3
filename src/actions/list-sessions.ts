import { CharmError } from '../errors.ts';
import { type Session, isSessionId } from '../sessions/session.ts';
import { listSessions as listStored } from '../sessions/stored-sessions.ts';
import { ageText, durationText, tableText } from '../text.ts';
import type { Action } from './action.ts';

/**
 * Lists the runs, and the slots of the schedule that got none, from S3. Results: `sessions`, a
 * table or JSON, and `next`, the id to give as `before` for older ones.
 */
export const listSessions: Action = async (world, _config, parameters) => {
  const { limit, before, format } = parameters;
  if (parameters['of'] === 'volumes')
    return (await import('./volume-sessions.ts')).listVolumeSessions(world, parameters);
  if (typeof before === 'string' && before !== '' && !isSessionId(before))
    throw new CharmError(
      'parameter-invalid',
      `The parameter before is ${JSON.stringify(before)}, but must be the id of a session, as list-sessions shows it.`,
    );
  const target = await world.openTarget();
  await using _store = target.store;
  const page = await listStored(target, {
    limit: typeof limit === 'number' ? limit : 20,
    ...(typeof before === 'string' && before !== '' && { before }),
  });
  const now = world.clock.now();
  return {
    sessions:
      format === 'json' ? JSON.stringify(page.sessions) : tableOfSessions(page.sessions, now),
    ...(page.next !== undefined && { next: page.next }),
  };
};

const tableOfSessions = (sessions: readonly Session[], now: Date): string =>
  sessions.length === 0
    ? 'There are no sessions.'
    : tableText([
        ['SESSION', 'PHASE', 'TRIGGER', 'AGE', 'DURATION', 'REASON'],
        ...sessions.map((session) => [
          session.id,
          session.phase,
          session.trigger,
          ageText((now.getTime() - Date.parse(session.started)) / 1000),
          duration(session),
          reason(session),
        ]),
      ]);

const duration = ({ phase, started, finished, slots }: Session): string => {
  if (slots !== undefined) return `${slots.count} slots`;
  if (finished === undefined || phase === 'Missed' || phase === 'Skipped') return '-';
  return durationText((Date.parse(finished) - Date.parse(started)) / 1000);
};

const reason = ({ reason: text, code, set, consistent }: Session): string => {
  if (set !== undefined) return `set ${set}${consistent === false ? ', not consistent' : ''}`;
  const words = [...(code === undefined ? [] : [`[${code}]`]), text ?? ''].join(' ').trim();
  return words.length > 120 ? `${words.slice(0, 119)}…` : words;
};
