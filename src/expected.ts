import { CharmError } from './errors.ts';

/**
 * The expected failures that something thrown consists of, the first cause first: a body and its undo may both have failed
 * (SuppressedError), and so may several that ran side by side (AggregateError). Undefined when any of them is a bug.
 */
export const expectedFailures = (error: unknown): readonly CharmError[] | undefined => {
  if (error instanceof CharmError) return [error];
  const causes: readonly unknown[] | undefined =
    error instanceof SuppressedError
      ? [error.suppressed, error.error]
      : error instanceof AggregateError
        ? error.errors
        : undefined;
  if (causes === undefined || causes.length === 0) return undefined;
  const failures = causes.map(expectedFailures);
  if (failures.includes(undefined)) return undefined;
  return [
    ...new Map(
      failures.flatMap((some) => some ?? []).map((known) => [known.message, known]),
    ).values(),
  ];
};

/** What an operator reads: each message with its code in brackets. */
export const failureText = (failures: readonly CharmError[]): string =>
  failures.map(({ message, code }) => `${message} [${code}]`).join(' Then: ');
