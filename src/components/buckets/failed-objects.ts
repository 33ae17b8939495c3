import { CharmError, longestMessage, reasonOf } from '../../errors.ts';
import { countText, excerpt, listText } from '../../text.ts';
import type { Source } from '../../world.ts';

interface FailedObject {
  readonly key: string;
  readonly error: unknown;
}

/**
 * The error `objects-failed`. It holds every object that failed, for `sets/<id>/failed.ndjson`; its
 * message names three.
 */
export class ObjectsFailed extends CharmError {
  readonly failed: readonly FailedObject[];

  constructor(source: Source, failed: readonly FailedObject[], gaveUp: boolean) {
    super(
      'objects-failed',
      failedObjectsText({
        failed: `${countText(failed.length, 'object')} of the bucket ${source.bucket} could not be copied${gaveUp ? ', one after another, so the copy was given up' : ''}`,
        keys: failed.map(({ key }) => key),
        errors: failed.map(({ error }) => error),
        next: 'What was copied stays: run the backup again when the cause is gone.',
      }),
    );
    this.name = 'ObjectsFailed';
    this.failed = failed;
  }
}

/** Three keys, and how many more there are. */
export const keysText = (keys: readonly string[]): string =>
  listText(
    keys.map((key) => excerpt(key, 32)),
    3,
  );

/** A message about many objects: three of their keys, and the cause that most of them share. */
export const failedObjectsText = ({
  failed,
  keys,
  errors,
  next,
}: {
  readonly failed: string;
  readonly keys: readonly string[];
  readonly errors: readonly unknown[];
  readonly next: string;
}): string => {
  const counts = new Map<string, number>();
  for (const error of errors) {
    const why = error instanceof CharmError ? error.why : reasonOf(error);
    counts.set(why, (counts.get(why) ?? 0) + 1);
  }
  const [[cause, count] = ['', 0]] = [...counts].toSorted(([, a], [, b]) => b - a);
  const whose = counts.size === 1 ? 'The cause' : `The cause of ${count} of them`;
  const frame = (why: string): string =>
    `${failed}: ${keysText(keys)}. ${whose}: ${why.replace(/\.?$/, '.')} ${next}`;
  const room = longestMessage - frame('').length - ' [objects-failed]'.length;
  return frame(excerpt(cause, Math.max(room, 80)));
};

/** Lines for `sets/<id>/failed.ndjson`. */
export const failedLines = (failed: readonly FailedObject[]): string =>
  failed.map(({ key, error }) => `${JSON.stringify({ key, reason: reasonOf(error) })}\n`).join('');
