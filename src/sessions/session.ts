/*
 * This folder keeps sessions: the record of every run of a backup, however it ended, and of every
 * slot of the schedule that got no run. They lie in S3 under runs/; what S3 could not take waits in
 * the journal.
 */

import { isTimeText } from '../ports/fields.ts';

export const phases = ['Running', 'Succeeded', 'Failed', 'Skipped', 'Missed', 'Cancelled'] as const;

export type Phase = (typeof phases)[number];

/** A record. Times are ISO 8601, to the second; sizes are bytes. */
export interface Session {
  readonly format: 1;
  /**
   * For a scheduled run its slot, for an operator's run its beginning and its task. So records sort
   * by time, and a slot has one record.
   */
  readonly id: string;
  readonly trigger: 'schedule' | 'operator';
  /** The time of the schedule that it was for. */
  readonly slot?: string;
  readonly phase: Phase;
  readonly started: string;
  /** Absent while it runs. */
  readonly finished?: string;
  readonly unit: string;
  /** The id for `juju show-task`; absent when there was no run. */
  readonly task?: string;
  /** Of a scheduled run, counted from 1. */
  readonly attempt?: number;
  /** The code of the error, and its sentence; of a slot that got no run, why. */
  readonly code?: string;
  readonly reason?: string;
  /** Of several slots in a row that got no run: how many, and the last of them. */
  readonly slots?: { readonly count: number; readonly last: string };
  /** True when the run could not say how it ended, and a hook or a later run found out. */
  readonly inferred?: boolean;
  /** The set that it made. */
  readonly set?: string;
  readonly consistent?: boolean;
  readonly components?: readonly SessionComponent[];
  /** The runs for the same slot before this one, the oldest first. */
  readonly earlier?: readonly EarlierRun[];
}

export interface SessionComponent {
  readonly name: string;
  readonly seconds: number;
  readonly size?: number;
  readonly objects?: number;
  /** Of a bucket: how many objects this run had to copy, and their bytes. */
  readonly copied?: number;
  readonly bytesCopied?: number;
}

export type EarlierRun = Pick<
  Session,
  'phase' | 'started' | 'finished' | 'unit' | 'task' | 'attempt' | 'code' | 'reason'
>;

const idPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(-[0-9a-z]{1,40})?$/;

export const isSessionId = (text: string): boolean =>
  idPattern.test(text) && isTimeText(text.slice(0, 20));

export const sessionText = (session: Session): string =>
  `${JSON.stringify(session, undefined, 2)}\n`;

/** Undefined when the text is no record, or one of a format that a later revision wrote. */
export const parseSession = (text: string): Session | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isSession(value) ? value : undefined;
};

const isSession = (value: unknown): value is Session => {
  if (typeof value !== 'object' || value === null) return false;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  return (
    isRun(fields) &&
    fields['format'] === 1 &&
    are(fields, 'string', ['id']) &&
    isSessionId(String(fields['id'])) &&
    (fields['trigger'] === 'schedule' || fields['trigger'] === 'operator') &&
    are(fields, 'string', ['slot', 'set'], true) &&
    are(fields, 'boolean', ['consistent', 'inferred'], true) &&
    (fields['slots'] === undefined || isSlots(fields['slots'])) &&
    isListOf(fields['components'], isComponent) &&
    isListOf(fields['earlier'], (run) => typeof run === 'object' && isRun({ ...run }))
  );
};

const isRun = (fields: Fields): boolean =>
  are(fields, 'string', ['started', 'unit']) &&
  [fields['started'], fields['finished'] ?? fields['started']].map(String).every(isTimeText) &&
  phases.some((phase) => phase === fields['phase']) &&
  are(fields, 'string', ['finished', 'task', 'code', 'reason'], true) &&
  are(fields, 'number', ['attempt'], true);

type Fields = Readonly<Record<string, unknown>>;

const are = (fields: Fields, type: string, names: readonly string[], optional = false): boolean =>
  names.every((name) => typeof fields[name] === type || (optional && fields[name] === undefined));

const isListOf = (value: unknown, isItem: (item: unknown) => boolean): boolean =>
  value === undefined || (Array.isArray(value) && value.every(isItem));

const isSlots = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'count' in value &&
  typeof value.count === 'number' &&
  'last' in value &&
  typeof value.last === 'string';

const isComponent = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  typeof value.name === 'string' &&
  'seconds' in value &&
  typeof value.seconds === 'number';
