import { randomFrom } from '../reliability/plan.ts';

/** Chooses, the same for the same seed. */
export interface Dice {
  below(end: number): number;
  among<T>(choices: readonly T[]): T;
}

export const diceFrom = (seed: number): Dice => {
  const next = randomFrom(seed);
  const below = (end: number): number => Math.floor(next() * end);
  return {
    below,
    among: (choices) => {
      const [chosen] = choices.slice(below(choices.length));
      if (chosen === undefined) throw new RangeError('nothing to choose from');
      return chosen;
    },
  };
};

/** What is put in place of something innocent. */
const nasty: readonly unknown[] = [
  ...['', ' ', '.', '..', '../..', '/', '//', 'a/../b', '-x', '--help', '$(id)', '`id`', '; id'],
  ...['\0', '\n', '\r\n', '\u001b[2J', '\u202e', '\ud800', 'é', '\u{1f600}', '%2e%2e', '<a>&amp;'],
  ...['__proto__', 'constructor', 'null', 'undefined', 'NaN', '1e999', '0x10', "'", '"', '\\'],
  ...['sets', 'history', 'locks', 'ckf/sets', 'kfp-db', 'kfp-db-2', 'ckf/kfp-db-0', 'mlmd'],
  ...['1970-01-01T00:00:00Z', '9999-99-99T99:99:99Z', '2026-11-21T20:15:00Z\n', 'secret:x'],
  ...['x'.repeat(70_000), '['.repeat(3000), 'a'.repeat(64), 'a,b', 'a=b', '@daily', '0 0 30 2 *'],
  ...[null, true, false, 0, -1, 1.5, 1e300, -0, Number.MAX_SAFE_INTEGER, 2 ** 53],
  ...[[], {}, [[]], [null], { __proto__: null, a: 1 }, { key: 'x' }, { length: 1e9 }],
];

/** A copy, because what is chosen may be changed again. */
const somethingNasty = (dice: Dice): unknown => structuredClone(dice.among(nasty));

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

/** A copy of a value of JSON in which one to four places are something else, missing, or twice. */
export const mutatedValue = (value: unknown, dice: Dice): unknown => {
  let result = structuredClone(value);
  for (let count = dice.below(4); count >= 0; count -= 1) result = changedOnce(result, dice);
  return result;
};

const changedOnce = (value: unknown, dice: Dice): unknown => {
  if (typeof value !== 'object' || value === null || dice.below(12) === 0)
    return somethingNasty(dice);
  const names = Object.keys(value);
  if (names.length === 0) return somethingNasty(dice);
  const name = dice.among(names);
  const inner = Reflect.get(value, name) as unknown;
  const kind = dice.below(8);
  if (kind === 0) Reflect.deleteProperty(value, name);
  else if (kind === 1) Reflect.set(value, textOf(somethingNasty(dice)), inner);
  else Reflect.set(value, name, changedOnce(inner, dice));
  return value;
};

/** A text in which a few bytes are others, are missing, are twice, or in which it ends early. */
export const mutatedBytes = (bytes: Buffer, dice: Dice): Buffer => {
  let result = Buffer.from(bytes);
  for (let count = dice.below(4); count >= 0; count -= 1) {
    const at = dice.below(result.length + 1);
    const length = dice.below(dice.among([2, 8, 64]));
    const [before, after] = [result.subarray(0, at), result.subarray(at)];
    const inserted = Buffer.from(textOf(somethingNasty(dice)));
    result = dice.among([
      () => Buffer.concat([before, after.subarray(length)]),
      () => Buffer.concat([before, after.subarray(0, length), after]),
      () => Buffer.concat([before, inserted, after]),
      () => Buffer.concat([before, Buffer.from([dice.below(256)]), after.subarray(1)]),
      () => Buffer.from(before),
    ])();
  }
  return result;
};
