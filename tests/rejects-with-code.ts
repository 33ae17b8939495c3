import assert from 'node:assert/strict';
import { CharmError, type ErrorCode } from '../src/errors.ts';

/** Resolves with the expected failure, so that its message can be looked at. */
export const rejectsWithCode = async (
  work: Promise<unknown>,
  code: ErrorCode,
): Promise<CharmError> => {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof CharmError, `expected a CharmError, got ${String(error)}`);
    assert.equal(error.code, code, error.message);
    return error;
  }
  return assert.fail(`expected a rejection with ${code}`);
};
