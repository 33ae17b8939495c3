import { type Html, bar, facts, html, lines, page, table } from '../pages/html.ts';
import { durationText, printable, sizeText } from '../text.ts';
import type { Session } from './session.ts';

/** The page of a session: how it ended and why, its steps in time, and all that it said. */
export const sessionPage = (
  application: string,
  session: Session,
  log: string | undefined,
): string => {
  const { id, phase, trigger, started, finished, unit, task, attempt, code, reason } = session;
  const { set, consistent, slots, components = [] } = session;
  const seconds =
    finished === undefined ? undefined : (Date.parse(finished) - Date.parse(started)) / 1000;
  return page(
    `Session ${id}`,
    html`${facts([
        ['Ended', html`<span class="${phase === 'Succeeded' ? 'good' : 'bad'}">${phase}</span>`],
        ['Why', reason === undefined ? undefined : printable(reason)],
        ['Code', code],
        ['Asked for by', trigger === 'schedule' ? 'the schedule' : 'an operator'],
        ['Slots', slots && `${slots.count}, the last of them ${slots.last}`],
        ['Began', started],
        ['Ended at', finished],
        ['Took', seconds === undefined ? undefined : durationText(seconds)],
        ['Unit', unit],
        ['Task', task],
        ['Attempt', attempt === undefined ? undefined : String(attempt)],
        ['Set', set && `${set}${consistent === false ? ', not consistent' : ''}`],
      ])}
      ${timeline(log ?? '', finished)}
      ${
        components.length === 0
          ? ''
          : html`<h2>Parts</h2>
              ${table(
                ['part', 'took', 'size', 'objects'],
                components.map(({ name, seconds: took, size, objects }) => [
                  name,
                  durationText(took),
                  size === undefined ? '' : sizeText(size),
                  objects === undefined ? '' : String(objects),
                ]),
              )}`
      }
      <h2>Commands</h2>
      ${lines([
        `juju run ${application}/leader show-session session=${id}`,
        ...(set === undefined
          ? []
          : [`juju run ${application}/leader verify-backup backup-id=${set}`]),
      ])}
      ${
        log === undefined
          ? ''
          : html`<h2>What it said</h2>
              ${lines([printable(log.trimEnd())])}`
      }`,
  );
};

const line = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) (.+)$/;
/** More are in the log, at the end of the page. */
const mostSteps = 60;

/** When each thing was said, and how long it took until the next was. */
const timeline = (log: string, finished: string | undefined): Html => {
  const said = log.split('\n').flatMap((text) => {
    const [, time = '', words = ''] = line.exec(text) ?? [];
    return time === '' ? [] : [{ time: Date.parse(time) / 1000, words: printable(words) }];
  });
  const [first] = said;
  const last = said.at(-1);
  if (first === undefined || last === undefined) return html``;
  const end = finished === undefined ? last.time : Date.parse(finished) / 1000;
  const whole = Math.max(end - first.time, 1);
  return html`<h2>Timeline</h2>
    ${table(
      ['after', 'step', ''],
      said
        .slice(0, mostSteps)
        .map(({ time, words }, index) => [
          durationText(time - first.time),
          words,
          bar((time - first.time) / whole, ((said[index + 1]?.time ?? end) - time) / whole),
        ]),
    )}`;
};
