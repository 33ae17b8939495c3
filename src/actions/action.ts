import type { Config } from '../config/config.ts';
import { CharmError } from '../errors.ts';
import { isBackupId, type BackupId } from '../repository/layout.ts';
import { excerpt } from '../text.ts';
import type { VolumeName } from '../volumes/records/stored-backups.ts';
import type { World } from '../world.ts';

/*
 * This folder has one file for each action of actions.yaml. An action reads its parameters, calls
 * an operation, and phrases the outcome as results.
 */

/**
 * What runs when an operator says `juju run <unit> <action>`.
 *
 * @param parameters as actions.yaml describes them, checked and with their defaults by Juju
 * @param wrongOptions options that are wrong and have their default in `config`; only `check` runs
 *   with such options
 * @returns the results: flat and short, keys in lower case with hyphens. Rejects with a
 *   CharmError for every failure that an operator can meet.
 */
export type Action = (
  world: World,
  config: Config,
  parameters: Readonly<Record<string, unknown>>,
  wrongOptions?: readonly CharmError[],
) => Promise<Readonly<Record<string, string>>>;

/** The value of a parameter that names a set. Rejects with `parameter-invalid`. */
export const backupIdParameter = (
  { application }: Pick<World, 'application'>,
  parameter: string,
  value: unknown,
): BackupId => {
  if (typeof value === 'string' && isBackupId(value)) return value;
  throw new CharmError(
    'parameter-invalid',
    `${parameter}=${String(value)} is not the id of a backup, such as 2026-11-21T20:15:00Z. Run: juju run ${application}/leader list-backups`,
  );
};

/**
 * The time that a scheduled run is for; undefined when an operator runs the action. Rejects with
 * `parameter-invalid`.
 */
export const slotParameter = (value: unknown): Date | undefined => {
  if (typeof value !== 'string' || value === '') return undefined;
  const time = new Date(value);
  if (!Number.isNaN(time.getTime())) return time;
  throw new CharmError(
    'parameter-invalid',
    `The parameter slot is ${JSON.stringify(value)}, but must be a time such as 2026-11-22T02:00:00Z. The schedule sets it; leave it out.`,
  );
};

/**
 * The value of `as-of`; undefined when it was not given. Without a zone it is UTC, as all times of
 * the charm are. Rejects with `parameter-invalid`.
 */
export const asOfParameter = (
  { clock }: Pick<World, 'clock'>,
  { 'as-of': value, thaw }: Readonly<Record<string, unknown>>,
): Date | undefined => {
  const text = typeof value === 'string' ? value : '';
  if (text === '') return undefined;
  if (thaw === true)
    throw new CharmError(
      'parameter-invalid',
      'thaw=true thaws what is there now, not what was there at a time in the past: leave thaw or as-of out.',
    );
  const [, zone] = isTime.exec(text) ?? [];
  const time = new Date(isTime.test(text) ? text + (zone === undefined ? 'Z' : '') : NaN);
  if (time <= clock.now()) return time;
  throw new CharmError(
    'parameter-invalid',
    `as-of=${excerpt(text, 40)} is not a time in the past, such as 2026-11-21T20:15:00Z. Nothing was changed.`,
  );
};

const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(Z|[+-]\d\d:\d\d)?$/i;

/** The value of a parameter that names a volume. Rejects with `parameter-invalid`. */
export const volumeParameter = (parameter: string, value: unknown): VolumeName => {
  const [, namespace, claim] =
    /^([a-z0-9][a-z0-9-]{0,62})\/([a-z0-9][a-z0-9.-]{0,252})$/.exec(
      typeof value === 'string' ? value : '',
    ) ?? [];
  if (namespace !== undefined && claim !== undefined) return { namespace, claim };
  throw new CharmError(
    'parameter-invalid',
    `${parameter}=${String(value)} is not the name of a volume, such as alice/lab-workspace.`,
  );
};

/** So many characters of the log are shown; Juju takes no longer result from a command line. */
const longestLog = 25_000;

/** Keeps the end of the log, which says how the run ended. */
export const shortenedLog = (log: string): string =>
  log.length <= longestLog ? log : `… (the beginning is left out)\n${log.slice(-longestLog)}`;
