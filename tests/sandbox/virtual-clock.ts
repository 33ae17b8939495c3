import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/*
 * Time that passes when it is told to, here and in the charm's processes: they load
 * ./shifted-clock.js, which adds to every clock reading what the file of the clock says. Timers are
 * left alone, and time goes on by itself between two jumps.
 */

export interface VirtualClock extends Disposable {
  now(): Date;
  /** Jumps to a time. */
  set(time: Date): void;
  /** For the processes that are to have this time. */
  readonly environment: Readonly<Record<string, string>>;
}

export const startVirtualClock = (file: string, start: Date): VirtualClock => {
  const realDate = Date;
  let offset = 0;
  const set = (time: Date): void => {
    offset = time.getTime() - realDate.now();
    writeFileSync(file, String(offset));
  };
  set(start);
  globalThis.Date = shiftedDate(realDate, () => offset);
  const preload = fileURLToPath(new URL('./shifted-clock.js', import.meta.url));
  return {
    now: () => new Date(),
    set,
    environment: { NODE_OPTIONS: `--import=${preload}`, VIRTUAL_CLOCK: file },
    [Symbol.dispose]: () => {
      globalThis.Date = realDate;
    },
  };
};

/** In a process that was started under a virtual clock. */
export const followVirtualClock = (file: string): void => {
  const offset = Number(readFileSync(file, 'utf8'));
  globalThis.Date = shiftedDate(Date, () => offset);
};

/** In a process whose seconds are so many times as short: its clock, and where it sleeps. */
export const hurryClock = (times: number): void => {
  const began = Date.now();
  const RealDate = Date;
  globalThis.Date = shiftedDate(RealDate, () => (RealDate.now() - began) * (times - 1));
  const sleep = timers.setTimeout;
  timers.setTimeout = (milliseconds = 0, value, options) =>
    sleep(milliseconds / times, value, options);
  syncBuiltinESMExports();
};

const shiftedDate = (RealDate: DateConstructor, offset: () => number): DateConstructor =>
  new Proxy(RealDate, {
    construct: (target, given: readonly unknown[], newTarget) =>
      Reflect.construct(
        target,
        given.length === 0 ? [target.now() + offset()] : given,
        newTarget === proxied() ? target : newTarget,
      ) as object,
    get: (target, name, receiver) =>
      name === 'now'
        ? () => target.now() + offset()
        : (Reflect.get(target, name, receiver) as unknown),
  });

const proxied = (): unknown => globalThis.Date;
