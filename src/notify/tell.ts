/*
 * This folder tells others how backups go: which session is told, in which words, and what a run
 * says. A message that cannot be sent never changes how a backup ends.
 */
import { CharmError, orProblem } from '../errors.ts';
import type { Session } from '../sessions/session.ts';
import { durationText, printable, sizeText, sum } from '../text.ts';
import type { NoticeKind, NoticeSubject, World } from '../world.ts';

export type Teller = Pick<World, 'openNotifier' | 'model' | 'application' | 'progress'>;

/**
 * Tells of a session, when notify-url is set. A failure is noted in the progress, and changes
 * nothing else.
 */
export const tellOfSession = async (world: Teller, session: Session): Promise<void> => {
  const kind = kindOf(session);
  if (kind === undefined) return;
  await tell(world, 'control-plane', kind, sentenceOf(world, session));
};

/** Tells one sentence, as `tellOfSession` does. */
export const tell = async (
  world: Teller,
  about: NoticeSubject,
  kind: NoticeKind,
  sentence: string,
): Promise<void> => {
  const text = printable(`${nameOf(world)}: ${sentence}`);
  const problem = await orProblem(async () =>
    (await world.openNotifier(about))?.send({ kind, text }),
  );
  if (problem instanceof CharmError) await world.progress.note(problem.message);
};

/** Sends a test message. `none` when notify-url is not set. */
export const tellOfTest = async (world: Teller): Promise<CharmError | 'none' | 'sent'> => {
  const notifier = await orProblem(() => world.openNotifier());
  if (notifier === undefined) return 'none';
  if (notifier instanceof CharmError) return notifier;
  const text = `${nameOf(world)}: this is a test; messages about backups arrive here.`;
  const problem = await orProblem(() => notifier.send({ kind: 'test', text }));
  return problem instanceof CharmError ? problem : 'sent';
};

/**
 * A run is skipped, too, when it found something else running and the schedule will try it again.
 */
const kindOf = ({ phase }: Session): NoticeKind | undefined => {
  switch (phase) {
    case 'Running':
      return 'started';
    case 'Succeeded':
      return 'succeeded';
    case 'Failed':
    case 'Missed':
      return 'failed';
    case 'Skipped':
      return 'skipped';
    case 'Cancelled':
      return undefined;
  }
};

const nameOf = ({ application, model }: Teller): string => `${application} of model ${model.name}`;

const sentenceOf = ({ application }: Teller, session: Session): string => {
  const { id, phase, code, reason = '', slots } = session;
  const why = [reason, ...(code === undefined ? [] : [`[${code}]`])].join(' ');
  const look = `See: juju run ${application}/leader show-session session=${id}`;
  switch (phase) {
    case 'Running':
      return `the backup ${id} began.`;
    case 'Succeeded':
      return `the backup ${id} succeeded${figuresOf(session)}.`;
    case 'Failed':
      return `the backup ${id} failed. ${why} ${look}`;
    default: {
      const which = slots === undefined ? id : `${id} and ${slots.count - 1} after it`;
      return `the backup ${which} was not made (${phase.toLowerCase()}). ${why} ${look}`;
    }
  }
};

const figuresOf = ({
  started,
  finished = started,
  components = [],
  consistent,
}: Session): string => {
  const seconds = (Date.parse(finished) - Date.parse(started)) / 1000;
  const bytes = sum(components.map(({ size = 0 }) => size));
  return ` in ${durationText(seconds)}, ${sizeText(bytes)}${consistent === false ? ', and is not consistent' : ''}`;
};
