import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CharmError, type ErrorCode, errorCodes } from '../../src/errors.ts';
import { type Facts, statusOf } from '../../src/hooks/status.ts';
import { visibleCharacters } from '../../src/hooks/status-text.ts';

const problem = (code: ErrorCode, message: string): CharmError => new CharmError(code, message);
const late = problem('relation-incomplete', 'minio has sent nothing.');
const away = problem('juju-unreachable', 'Juju is away.');
const unset = problem('juju-credentials-missing', 'The option is not set.');
const lastBackup = { id: '2026-11-21T20:15:00Z', bytes: 3 * 2 ** 30, consistent: true };

const well: Facts = {
  application: 'ckf-backup',
  controller: [],
  journal: undefined,
  options: [],
  action: [],
  trust: undefined,
  s3: undefined,
  objectStorage: undefined,
  lastBackup: undefined,
  lastAttempt: undefined,
};

describe('the status', () => {
  it('is active without problems, and tells of the last backup', () => {
    const said = (facts: Partial<Facts>): string => {
      const { name, message } = statusOf({ ...well, ...facts });
      assert.equal(name, 'active');
      return message;
    };
    assert.equal(said({}), 'Ready; no backup is known yet');
    assert.equal(said({ lastBackup }), 'Ready; last backup 2026-11-21T20:15:00Z, 3.0 GiB');
    assert.equal(
      said({ lastBackup: { ...lastBackup, consistent: false } }),
      'Ready; last backup 2026-11-21T20:15:00Z, 3.0 GiB, not consistent',
    );
    assert.equal(
      said({ lastBackup: { ...lastBackup, verified: 'intact' } }),
      'Ready; last backup 2026-11-21T20:15:00Z, 3.0 GiB, verified intact',
    );
  });

  it('tells of both schedules, and last of a backup of volumes that failed', () => {
    const next = new Date('2026-11-22T02:00:00Z');
    const schedule = { paused: false, next };
    const volumesSchedule = { paused: false, next, missed: 1 };
    assert.equal(
      statusOf({ ...well, schedule, volumesSchedule }).message,
      'Ready; no backup is known yet, next 2026-11-22T02:00:00Z, volumes next 2026-11-22T02:00Z, 1 missed',
    );
    const failed = { slot: next, task: '17' };
    const facts = { ...well, volumesSchedule: { ...volumesSchedule, failed } };
    assert.match(
      statusOf(facts).message,
      /^The backup of volumes of 2026-11-22T02:00:00Z failed \[scheduled-backup-failed\]: juju show-task 17 \|/,
    );
    const denied = problem('store-denied', 'S3 refuses.');
    assert.match(statusOf({ ...facts, s3: denied }).message, /^S3 refuses\. \[store-denied\]/);
  });

  it('is not ready when the last backup was found damaged', () => {
    const { name, message } = statusOf({
      ...well,
      lastBackup: { ...lastBackup, verified: 'damaged' },
    });
    assert.equal(name, 'blocked');
    assert.match(
      message,
      /2026-11-21T20:15:00Z, is damaged\. Run: juju run ckf-backup\/leader backup/,
    );
  });

  it('says what an action found, after what hooks find too, and how many others there are', () => {
    const denied = problem('store-denied', 'S3 refuses.');
    const { name, message } = statusOf({ ...well, action: [denied, late], options: [unset] });
    assert.equal(name, 'blocked');
    assert.match(message, /^The option is not set\..*2 more/);
    assert.match(statusOf({ ...well, action: [denied] }).message, /^S3 refuses\./);
  });

  it('says that the last backup failed until one succeeds, where juju status shows it', () => {
    const lastAttempt = { at: '2026-11-26T10:49:30.000Z', task: '17', outcome: 'failed' } as const;
    const { name, message } = statusOf({
      ...well,
      lastBackup,
      lastAttempt: { ...lastAttempt, code: 'objects-failed' },
    });
    assert.equal(name, 'blocked');
    assert.ok(
      message.startsWith(
        'The backup of 2026-11-26 10:49Z failed [objects-failed]: juju show-task 17 | ',
      ),
      message,
    );
    assert.equal(
      statusOf({ ...well, lastBackup, lastAttempt: { ...lastAttempt, outcome: 'succeeded' } })
        .message,
      'Ready; last backup 2026-11-21T20:15:00Z, 3.0 GiB',
    );
  });

  it('is ready after a backup that was killed, and says that it was', () => {
    const at = '2026-11-26T10:49:30.000Z';
    assert.deepEqual(
      statusOf({ ...well, lastBackup, lastAttempt: { at, task: '17', outcome: 'begun' } }),
      {
        name: 'active',
        message:
          'Ready; the backup of 2026-11-26 10:49Z was interrupted (juju show-task 17); last backup 2026-11-21T20:15:00Z, 3.0 GiB',
      },
    );
  });

  it('is ready after a backup that an operator stopped, and says that it was', () => {
    const at = '2026-11-26T10:49:30.000Z';
    const lastAttempt = { at, task: '17', outcome: 'failed', code: 'stopped' } as const;
    assert.deepEqual(statusOf({ ...well, lastBackup, lastAttempt }), {
      name: 'active',
      message:
        'Ready; the backup of 2026-11-26 10:49Z was stopped (juju show-task 17); last backup 2026-11-21T20:15:00Z, 3.0 GiB',
    });
  });

  it('waits for what passes by itself', () => {
    assert.deepEqual(statusOf({ ...well, objectStorage: late, lastBackup }), {
      name: 'waiting',
      message:
        'minio has sent nothing. [relation-incomplete]: juju status --format yaml | minio has sent nothing.',
    });
  });

  it('names what the operator can complete before a server that comes back by itself', () => {
    const { name, message } = statusOf({ ...well, controller: [away], s3: late });
    assert.equal(name, 'waiting');
    assert.match(message, /^minio has sent nothing\. \[relation-incomplete\] \(and 1 more\)/);
  });

  it('is blocked by what somebody must act on, whatever passes by itself', () => {
    const none = problem('relation-missing', 'No S3.');
    assert.deepEqual(statusOf({ ...well, controller: [away], s3: none, objectStorage: late }), {
      name: 'blocked',
      message: 'No S3. [relation-missing] (and 2 more): juju status --format yaml | No S3.',
    });
  });

  it('names the most urgent problem, as the reference has it', () => {
    const names = ['journal', 'options', 'trust', 's3', 'objectStorage'] as const;
    const all = Object.fromEntries(
      names.map((name) => {
        const found = problem('relation-missing', name);
        return [name, name === 'options' ? [found] : found] as const;
      }),
    );
    const facts: Facts = { ...well, ...all, controller: [unset] };
    assert.match(
      statusOf(facts).message,
      /^The option is not set\. \[juju-credentials-missing\] \(and 5 more\): juju /,
    );
    for (const [index, name] of names.entries()) {
      const gone = Object.fromEntries(
        names.slice(0, index).map((other) => [other, other === 'options' ? [] : undefined]),
      );
      const { message } = statusOf({ ...facts, controller: [], ...gone });
      assert.equal(message.split(' ')[0], name);
    }
  });

  it('tells a problem once', () => {
    assert.equal(
      statusOf({ ...well, s3: late, objectStorage: late }).message,
      'minio has sent nothing. [relation-incomplete]: juju status --format yaml | minio has sent nothing.',
    );
  });

  it('is active exactly when there is no problem, and otherwise has code, count and command where juju status shows them', () => {
    const anyProblem = fc.option(
      fc
        .tuple(fc.constantFrom(...(Object.keys(errorCodes) as ErrorCode[])), fc.string())
        .map(([code, message]) => problem(code, message)),
      { nil: undefined },
    );
    const places = fc.record({
      ...{ journal: anyProblem, options: anyProblem, trust: anyProblem },
      ...{ s3: anyProblem, objectStorage: anyProblem },
    });
    fc.assert(
      fc.property(places, (found) => {
        const { name, message } = statusOf({
          ...{ ...well, ...found },
          options: found.options ? [found.options] : [],
        });
        const problems = Object.values(found).filter((one) => one !== undefined);
        const mustAct = problems.some(({ code }) => errorCodes[code] === 'operator');
        const expected = mustAct ? 'blocked' : problems.length > 0 ? 'waiting' : 'active';
        assert.equal(name, expected);
        if (expected === 'active') return;
        const said = message.slice(0, visibleCharacters);
        assert.match(said, / \[[a-z-]+\]( \(and \d more\))?: juju status --format yaml/);
      }),
    );
  });
});
