import type { EarlierRun, SessionComponent } from '../sessions/session.ts';
import { readSession } from '../sessions/stored-sessions.ts';
import { countText, durationText, sizeText } from '../text.ts';
import { isSessionId as isVolumeSessionId } from '../volumes/records/names.ts';
import { type Action, shortenedLog } from './action.ts';

/**
 * Shows the result and the log of a run, even when Juju has forgotten its task. The ids of sessions
 * of volumes have another form.
 */
export const showSession: Action = async (world, _config, parameters) => {
  const { session: id } = parameters;
  if (typeof id === 'string' && isVolumeSessionId(id))
    return (await import('./show-volume-session.ts')).showVolumeSession(world, id);
  const target = await world.openTarget();
  await using _store = target.store;
  const { session, log } = await readSession(target, typeof id === 'string' ? id : '');
  const { phase, trigger, started, finished, unit, task, attempt } = session;
  const { code, reason, set, consistent, slots, components = [], earlier = [] } = session;
  return {
    ...{ session: session.id, phase, trigger, started, unit },
    ...(finished !== undefined && {
      finished,
      duration: durationText((Date.parse(finished) - Date.parse(started)) / 1000),
    }),
    ...(task !== undefined && { task }),
    ...(attempt !== undefined && { attempt: String(attempt) }),
    ...(code !== undefined && { code }),
    ...(reason !== undefined && { reason }),
    ...(slots !== undefined && { slots: `${slots.count}, the last of them ${slots.last}` }),
    ...(set !== undefined && { 'backup-id': set }),
    ...(consistent !== undefined && { consistent: String(consistent) }),
    ...Object.fromEntries(
      components.map((component) => [
        `component-${component.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`,
        figures(component),
      ]),
    ),
    ...(earlier.length > 0 && { earlier: earlier.map(earlierText).join('\n') }),
    log: shortenedLog(log ?? 'No log was kept.'),
  };
};

const figures = ({ seconds, size, objects, copied, bytesCopied }: SessionComponent): string =>
  [
    durationText(seconds),
    ...(size === undefined ? [] : [sizeText(size)]),
    ...(objects === undefined ? [] : [countText(objects, 'object')]),
    ...(copied === undefined || bytesCopied === undefined
      ? []
      : [`${copied} of them copied, ${sizeText(bytesCopied)}`]),
  ].join(', ');

const earlierText = ({ attempt = 1, task, phase, code, reason }: EarlierRun): string =>
  `attempt ${attempt}${task === undefined ? '' : `, task ${task}`}: ${phase}${code === undefined ? '' : ` [${code}]`} ${reason ?? ''}`.trimEnd();
