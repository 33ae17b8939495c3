/** Times of the week in which the schedule starts no backup, as local times of its time zone. */
export interface Exclusions {
  /** Milliseconds until the end of the excluded time at `at`; 0 when that is not excluded. */
  readonly remaining: (at: Date) => number;
}

interface Window {
  /** Minutes since Monday 00:00. */
  readonly start: number;
  readonly minutes: number;
}

const minute = 60_000;
const dayMinutes = 24 * 60;
const weekMinutes = 7 * dayMinutes;
const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/**
 * Reads windows such as `Mon-Fri 08:00-18:00, Sat, 23:00-01:00`: days, times or both. A window
 * without days applies to every day, one without times lasts the whole day, and one that ends
 * before it begins ends on the next day. Undefined when the text has another form, or excludes the
 * whole week.
 */
export const parseExclusions = (text: string, timezone: string): Exclusions | undefined => {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const parsed = parts.map(parseWindows);
  if (parsed.includes(undefined)) return undefined;
  const windows = parsed.flatMap((some) => some ?? []);
  if (coversWeek(windows)) return undefined;
  // To know a time zone takes a hook several milliseconds, and most schedules exclude nothing.
  let minuteOfWeek: ReturnType<typeof localMinutes> | undefined;
  return {
    remaining: (at) => {
      if (windows.length === 0) return 0;
      minuteOfWeek ??= localMinutes(timezone);
      const begun = minuteOfWeek(at);
      const left = remainingMinutes(windows, begun);
      return left === 0 ? 0 : left * minute - (at.getTime() % minute);
    },
  };
};

const parseWindows = (text: string): readonly Window[] | undefined => {
  const match = /^(?:([a-z]{3})(?:-([a-z]{3}))?)?(?:(?:^|\s+)(\d\d:\d\d)-(\d\d:\d\d))?$/i.exec(
    text,
  );
  if (match === null) return undefined;
  const [, firstDay, lastDay, from, to] = match;
  const chosen = parseDays(firstDay, lastDay);
  const [start, end] = from === undefined ? [0, dayMinutes] : [parseTime(from), parseTime(to)];
  if (chosen === undefined || start === undefined || end === undefined) return undefined;
  if (start === end || start === dayMinutes) return undefined;
  const minutes = end > start ? end - start : end + dayMinutes - start;
  return chosen.map((day) => ({ start: day * dayMinutes + start, minutes }));
};

/** `Fri-Mon` goes over the weekend. */
const parseDays = (
  first: string | undefined,
  last: string | undefined,
): readonly number[] | undefined => {
  if (first === undefined) return days.map((_, day) => day);
  const from = days.indexOf(first.toLowerCase());
  const to = last === undefined ? from : days.indexOf(last.toLowerCase());
  if (from < 0 || to < 0) return undefined;
  const count = ((to - from + 7) % 7) + 1;
  return Array.from({ length: count }, (_, index) => (from + index) % 7);
};

/** Minutes since midnight, up to 24:00. */
const parseTime = (text = ''): number | undefined => {
  const [hours = NaN, minutes = NaN] = text.split(':').map(Number);
  const time = hours * 60 + minutes;
  return minutes < 60 && time <= dayMinutes ? time : undefined;
};

/** Windows may overlap, so the end of one is looked up in all of them again. */
const remainingMinutes = (windows: readonly Window[], from: number): number => {
  for (let left = 0; left < weekMinutes;) {
    const now = from + left;
    const more = Math.max(
      0,
      ...windows.map(({ start, minutes }) => minutes - ((now - start + weekMinutes) % weekMinutes)),
    );
    if (more === 0) return left;
    left += more;
  }
  return weekMinutes;
};

const coversWeek = (windows: readonly Window[]): boolean =>
  windows.length > 0 && remainingMinutes(windows, 0) >= weekMinutes;

const localMinutes = (timezone: string): ((at: Date) => number) => {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return (at) => {
    const parts = Object.fromEntries(
      format.formatToParts(at).map(({ type, value }) => [type, value]),
    );
    const day = days.indexOf((parts['weekday'] ?? '').toLowerCase());
    return day * dayMinutes + Number(parts['hour']) * 60 + Number(parts['minute']);
  };
};
