import { CharmError } from '../errors.ts';
import { layoutOf } from '../repository/layout.ts';
import { ageText, durationText, tableText } from '../text.ts';
import { isSessionId } from '../volumes/records/names.ts';
import { type SessionRecord, sessions } from '../volumes/records/session-record.ts';
import type { World } from '../world.ts';

/**
 * The sessions of users' volumes for list-sessions, newest first. Results: `sessions`, a table or
 * JSON, and `next`, the id to give as `before` for older ones.
 */
export const listVolumeSessions = async (
  world: Pick<World, 'openTarget' | 'clock'>,
  { limit, before, format }: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, string>>> => {
  const last = typeof before === 'string' && before !== '' ? before : undefined;
  if (last !== undefined && !isSessionId(last))
    throw new CharmError(
      'parameter-invalid',
      `The parameter before is ${JSON.stringify(last)}, but must be the id of a session, as list-sessions of=volumes shows it.`,
    );
  const target = await world.openTarget();
  await using _store = target.store;
  const most = typeof limit === 'number' ? limit : 20;
  const found: SessionRecord[] = [];
  for await (const session of sessions(target.store, layoutOf(target.prefix), last)) {
    found.push(session);
    if (found.length > most) break;
  }
  const page = found.slice(0, most);
  const next = found.length > most ? page.at(-1)?.id : undefined;
  return {
    sessions: format === 'json' ? JSON.stringify(page) : tableOf(page, world.clock.now()),
    ...(next !== undefined && { next }),
  };
};

const tableOf = (page: readonly SessionRecord[], now: Date): string =>
  page.length === 0
    ? 'There are no sessions of volumes.'
    : tableText([
        ['SESSION', 'KIND', 'PHASE', 'TRIGGER', 'AGE', 'DURATION', 'VOLUMES', 'REASON'],
        ...page.map((session) => [
          session.id,
          session.kind,
          session.phase,
          session.slot === undefined ? 'operator' : 'schedule',
          ageText((now.getTime() - Date.parse(session.started)) / 1000),
          duration(session),
          volumesText(session),
          reasonOf(session),
        ]),
      ]);

const duration = ({ started, finished, slots }: SessionRecord): string => {
  if (slots !== undefined) return `${slots.count} slots`;
  if (finished === undefined) return '-';
  return durationText((Date.parse(finished) - Date.parse(started)) / 1000);
};

/** How many ended how: `3 Succeeded, 1 Failed`. */
const volumesText = ({ volumes }: SessionRecord): string =>
  [...Map.groupBy(volumes, ({ phase }) => phase)]
    .map(([phase, some]) => `${some.length} ${phase}`)
    .join(', ') || '-';

const reasonOf = ({ reason, volumes }: SessionRecord): string => {
  const first = volumes.find(({ phase }) => phase === 'Failed' || phase === 'PartiallyFailed');
  const text = reason ?? first?.reason ?? '';
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
};
