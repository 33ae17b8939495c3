import assert from 'node:assert/strict';
import {
  CharmError,
  expectedFailures,
  failureText,
  longestMessage,
  orProblem,
  shortFailureText,
} from '../src/errors.ts';

const dump = new CharmError('mlmd-dump-failed', 'The dump failed.');
const scale = new CharmError('scale-refused', 'The scale stays.');
const bug = new TypeError('x is not a function');

describe('what was thrown', () => {
  it('is expected when it is a CharmError', () => {
    assert.deepEqual(expectedFailures(dump), [dump]);
  });

  it('tells the failure before that of its undo', async () => {
    const work = async (): Promise<void> => {
      await using undo = new AsyncDisposableStack();
      undo.defer(() => Promise.reject(scale));
      throw dump;
    };
    const error: unknown = await work().catch((thrown: unknown) => thrown);
    const failures = expectedFailures(error) ?? [];
    assert.deepEqual(failures, [dump, scale]);
    assert.equal(
      failureText(failures),
      'The dump failed. [mlmd-dump-failed] Then: The scale stays. [scale-refused]',
    );
  });

  it('is shortened in the middle, so that the end with the command can be read', () => {
    const long = (code: 'scale-refused' | 'mlmd-dump-failed') =>
      new CharmError(code, `It failed because of ${'this and '.repeat(80)}that. Run: juju ${code}`);
    for (const failures of [
      [long('scale-refused')],
      [long('mlmd-dump-failed'), long('scale-refused')],
    ]) {
      const text = shortFailureText(failures);
      assert.ok(text.length <= longestMessage, text);
      for (const { code } of failures)
        assert.ok(text.includes(`Run: juju ${code} [${code}]`), text);
    }
    assert.equal(shortFailureText([dump, scale]), failureText([dump, scale]));
  });

  it('tells each of several failures once', () => {
    const error = new AggregateError([dump, new AggregateError([scale, dump])]);
    assert.deepEqual(expectedFailures(error), [dump, scale]);
  });

  it('is one problem for who collects them, also when the undo failed too', async () => {
    assert.equal(await orProblem(() => Promise.reject(dump)), dump);
    const both = await orProblem(() => Promise.reject(new SuppressedError(scale, dump)));
    assert.ok(both instanceof CharmError);
    assert.equal(both.code, 'mlmd-dump-failed');
    assert.equal(both.message, 'The dump failed. Then: The scale stays.');
    assert.deepEqual(both.problems, [dump, scale]);
    await assert.rejects(
      orProblem(() => Promise.reject(bug)),
      bug,
    );
  });

  it('is a bug when any part of it is', () => {
    assert.equal(expectedFailures(bug), undefined);
    assert.equal(expectedFailures(new SuppressedError(bug, dump)), undefined);
    assert.equal(expectedFailures(new AggregateError([dump, bug])), undefined);
    assert.equal(expectedFailures(new AggregateError([])), undefined);
  });
});
