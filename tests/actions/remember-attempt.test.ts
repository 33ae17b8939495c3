import assert from 'node:assert/strict';
import { rememberAttempt } from '../../src/actions/remember-attempt.ts';
import { CharmError, type ErrorCode } from '../../src/errors.ts';
import type { Attempt } from '../../src/world.ts';
import { FakeJournal } from '../fakes/journal.ts';

const now = new Date('2026-11-26T10:49:30.000Z');
const earlier: Attempt = { at: '2026-11-25T02:00:00.000Z', task: '3', outcome: 'failed' };

describe('what the journal keeps of a backup that ended', () => {
  let journal: FakeJournal;
  beforeEach(async () => {
    journal = new FakeJournal();
    await journal.setLastAttempt(earlier);
  });

  const run = async (work: () => Promise<unknown>): Promise<Attempt | undefined> => {
    await rememberAttempt({ journal, now: () => now }, '7', work).catch(() => undefined);
    return journal.lastAttempt();
  };
  const failing = (code: ErrorCode) => () => Promise.reject(new CharmError(code, 'No.'));
  const attempt = { at: now.toISOString(), task: '7' };

  it('is that it began, and then how it ended', async () => {
    let begun: unknown;
    const ended = await run(async () => {
      begun = await journal.lastAttempt();
    });
    assert.deepEqual(begun, { ...attempt, outcome: 'begun' });
    assert.deepEqual(ended, { ...attempt, outcome: 'succeeded' });
  });

  it('is the code of the first failure', async () => {
    const both = new SuppressedError(
      new CharmError('scale-refused', 'The scale stays.'),
      new CharmError('store-denied', 'No.'),
    );
    assert.deepEqual(await run(() => Promise.reject(both)), {
      ...attempt,
      ...{ outcome: 'failed', code: 'store-denied' },
    });
  });

  it('has no code when the failure is a bug', async () => {
    const ended = await run(() => Promise.reject(new TypeError('broken')));
    assert.deepEqual(ended, { ...attempt, outcome: 'failed' });
  });

  it('stays what it was when the backup did not begin because of the request', async () => {
    for (const code of ['backup-running', 'workloads-running', 'parameter-invalid'] as const)
      assert.deepEqual(await run(failing(code)), earlier, code);
  });

  it('is a failure when the backup was stopped on its way', async () => {
    for (const code of ['interrupted', 'stopped'] as const)
      assert.deepEqual(await run(failing(code)), { ...attempt, outcome: 'failed', code });
  });

  it('holds up no backup when it cannot be kept', async () => {
    journal.failure = new CharmError('disk-full', 'No space.');
    const result = await rememberAttempt({ journal, now: () => now }, '7', async () => 'done');
    assert.equal(result, 'done');
    assert.deepEqual(await journal.lastAttempt(), earlier);
  });
});
