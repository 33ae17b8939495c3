/**
 * From this minute of the week on (0 is Sunday 00:00, UTC) at most so many bytes a second;
 * undefined is no limit.
 */
export interface BandwidthPeriod {
  readonly minute: number;
  readonly bytesPerSecond: number | undefined;
}

const minutesOfDay = 24 * 60;
const days = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const powers = 'kmgtpe';

/**
 * Reads a limit in all forms of rclone's `--bwlimit` (rclone's fs/bwtimetable.go and
 * fs/sizesuffix.go): a rate, or slots `HH:MM,rate` for every day and `Mon-HH:MM,rate` for one,
 * separated by spaces or semicolons. Times are UTC. A rate is a number with a suffix (powers of
 * 1024; K when there is none; `Ki` and `KiB` mean the same as `K`), or `off`; 0 is no limit. Of a
 * pair `upload:download` the lower one counts, because what we copy is read and written at one
 * speed.
 *
 * @returns the slots of the week in order, one for each minute at most; undefined when the text has
 * none of these forms
 */
export const parseBandwidthLimit = (text: string): readonly BandwidthPeriod[] | undefined => {
  const limit = text.trim();
  if (limit === '') return undefined;
  if (!/[ ,;]/.test(limit)) {
    const rate = parseRates(limit);
    return rate && [{ minute: 0, bytesPerSecond: rate.bytesPerSecond }];
  }
  const slots = new Map<number, number | undefined>();
  for (const slot of limit.split(/[ ;]+/).filter((part) => part !== '')) {
    const [time = '', rates = '', ...rest] = slot.split(',');
    const minutes = parseTime(time);
    const rate = parseRates(rates);
    if (minutes === undefined || rate === undefined || rest.length > 0) return undefined;
    for (const minute of minutes) slots.set(minute, rate.bytesPerSecond);
  }
  return [...slots]
    .map(([minute, bytesPerSecond]) => ({ minute, bytesPerSecond }))
    .sort((a, b) => a.minute - b.minute);
};

/** An equal part of a limit for each of so many who share it. */
export const partOfLimit = (
  limit: readonly BandwidthPeriod[],
  parts: number,
): readonly BandwidthPeriod[] =>
  limit.map(({ minute, bytesPerSecond }) => ({
    minute,
    // 0 would be no limit.
    bytesPerSecond: bytesPerSecond && Math.max(1, Math.floor(bytesPerSecond / parts)),
  }));

/** A limit as rclone reads it. */
export const limitText = (limit: readonly BandwidthPeriod[]): string => {
  const rate = ({ bytesPerSecond }: BandwidthPeriod): string =>
    bytesPerSecond === undefined ? 'off' : `${bytesPerSecond}B`;
  const [first, ...more] = limit;
  if (first === undefined) return 'off';
  if (more.length === 0 && first.minute === 0) return rate(first);
  return limit.map((period) => `${timeText(period.minute)},${rate(period)}`).join(' ');
};

const timeText = (minute: number): string => {
  const day = days[Math.floor(minute / minutesOfDay)]?.slice(0, 3) ?? '';
  const [hours, minutes] = [Math.floor((minute % minutesOfDay) / 60), minute % 60];
  return `${day}-${twoDigits(hours)}:${twoDigits(minutes)}`;
};

const twoDigits = (number: number): string => String(number).padStart(2, '0');

/** The minutes of the week that `HH:MM` or `Mon-HH:MM` stands for. */
const parseTime = (text: string): readonly number[] | undefined => {
  const match = /^(?:([a-z]+)-)?(\d\d):(\d\d)$/i.exec(text);
  if (match === null) return undefined;
  const [hours, minutes] = [Number(match[2]), Number(match[3])];
  if (hours > 23 || minutes > 59) return undefined;
  const minute = hours * 60 + minutes;
  if (match[1] === undefined) return days.map((_, day) => day * minutesOfDay + minute);
  const name = match[1].toLowerCase();
  const day = days.findIndex((known) => known === name || known.slice(0, 3) === name);
  return day < 0 ? undefined : [day * minutesOfDay + minute];
};

interface Rate {
  readonly bytesPerSecond: number | undefined;
}

const parseRates = (text: string): Rate | undefined => {
  const parts = text.split(':');
  const rates = parts.map(parseRate);
  if (parts.length > 2 || rates.includes(undefined)) return undefined;
  const limits = rates.flatMap((rate) => rate?.bytesPerSecond ?? []);
  return { bytesPerSecond: limits.length === 0 ? undefined : Math.min(...limits) };
};

const parseRate = (text: string): Rate | undefined => {
  if (text.toLowerCase() === 'off') return { bytesPerSecond: undefined };
  const match = /^(\d+\.?\d*|\.\d+)(?:(b)|([kmgtpe])(?:ib?)?)?$/i.exec(text);
  if (match === null) return undefined;
  const [, number, bytes, prefix = 'k'] = match;
  const factor = bytes === undefined ? 1024 ** (powers.indexOf(prefix.toLowerCase()) + 1) : 1;
  const rate = Math.round(Number(number) * factor);
  return { bytesPerSecond: rate === 0 ? undefined : rate };
};
