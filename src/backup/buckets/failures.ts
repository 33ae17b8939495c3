import { CharmError } from '../../errors.ts';
import type { Source } from '../../world.ts';
import { countText, listText } from '../wording.ts';

export interface FailedObject {
  readonly key: string;
  readonly reason: string;
}

/** `objects-failed`, with every object that failed for `sets/<id>/failed.ndjson`; the message names at most ten. */
export class ObjectsFailed extends CharmError {
  readonly failed: readonly FailedObject[];

  constructor(source: Source, failed: readonly FailedObject[], gaveUp: boolean) {
    const named = failed.map(({ key, reason }) => `${key} (${reason.replace(/\.$/, '')})`);
    super(
      'objects-failed',
      `${countText(failed.length, 'object')} of the bucket ${source.bucket} could not be copied${gaveUp ? ', one after another, so the copy was given up' : ', although it was tried again'}: ${listText(named)}. What was copied stays and is not copied again: run the backup again when the cause is gone.`,
    );
    this.name = 'ObjectsFailed';
    this.failed = failed;
  }
}

/** Lines for `sets/<id>/failed.ndjson`. */
export const failedLines = (failed: readonly FailedObject[]): string =>
  failed.map((object) => `${JSON.stringify(object)}\n`).join('');

/** What is backed up, and what the last complete set had of it. */
interface Sizes {
  readonly listed: number;
  readonly previousCount: number | undefined;
  readonly allowShrink: boolean;
}

/**
 * Rejects with `source-shrunk` when the source is empty, or lists less than half of what the last complete set did: a bucket that was lost or
 * replaced looks like that, and a backup of it would push out the good ones.
 */
export const checkShrunk = (
  { bucket, store }: Source,
  { listed, previousCount, allowShrink }: Sizes,
): void => {
  const shrunk =
    previousCount === undefined
      ? listed === 0
      : listed * 2 < previousCount || (listed === 0 && previousCount > 0);
  if (!shrunk || allowShrink) return;
  const before =
    previousCount === undefined ? '' : `, and the last complete set had ${previousCount}`;
  throw new CharmError(
    'source-shrunk',
    `The source bucket ${bucket} (${store.description}) ${listed === 0 ? 'is empty' : `has only ${countText(listed, 'object')}`}${before}. The backup was refused and the copies of earlier sets are untouched. Find out what happened to the bucket; if it has to be like that, run the action with allow-shrink=true.`,
  );
};
