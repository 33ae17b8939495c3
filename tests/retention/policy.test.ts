import assert from 'node:assert/strict';
import fc from 'fast-check';
import { backupIdAt, type BackupId } from '../../src/repository/layout.ts';
import type { Config } from '../../src/config/config.ts';
import { forget } from '../../src/retention/policy.ts';

const none = { last: 0, daily: 0, weekly: 0, monthly: 0 };
const day = 86_400_000;

const set = (
  time: string | Date,
  consistent = true,
  parts: readonly string[] = ['mlmd', 'mlpipeline/mlpipeline'],
  damaged: readonly string[] = [],
) => ({ id: backupIdAt(new Date(time)), consistent, parts, damaged });
const dates = (ids: readonly BackupId[]) => ids.map((id) => id.slice(0, 10));
const kept = (sets: readonly ReturnType<typeof set>[], policy: Partial<Config['keep']>) =>
  forget(sets, { ...none, ...policy }).keep.map(({ id }) => id);

/** `count` sets, one every `step` days, the newest at `newest`. */
const every = (step: number, count: number, newest: string) =>
  Array.from({ length: count }, (_, index) =>
    set(new Date(Date.parse(newest) - index * step * day)),
  );

describe('forget', () => {
  it('keeps everything while all options are 0', () => {
    const sets = every(1, 5, '2026-11-21T20:15:00Z');
    assert.deepEqual(forget(sets, none).remove, []);
    assert.equal(forget(sets, none).keep.length, 5);
  });

  it('keeps nothing of nothing', () => {
    assert.deepEqual(forget([], { ...none, last: 3 }), { keep: [], remove: [] });
  });

  it('keeps the newest so many with keep-last, in whatever order they are given', () => {
    const sets = every(1, 5, '2026-11-21T20:15:00Z').reverse();
    assert.deepEqual(dates(kept(sets, { last: 2 })), ['2026-11-21', '2026-11-20']);
  });

  it('keeps the newest of each day that has one, and does not count days without one', () => {
    const sets = [
      set('2026-11-21T20:00:00Z'),
      set('2026-11-21T08:00:00Z'),
      set('2026-11-17T23:59:59Z'),
      set('2026-11-17T00:00:00Z'),
      set('2026-11-03T12:00:00Z'),
      set('2026-11-02T12:00:00Z'),
    ];
    assert.deepEqual(kept(sets, { daily: 3 }), [
      '2026-11-21T20:00:00Z',
      '2026-11-17T23:59:59Z',
      '2026-11-03T12:00:00Z',
    ]);
  });

  it('keeps the last four of weekly backups with keep-daily=4, the example of the documentation', () => {
    const sundays = every(7, 12, '2019-11-17T11:00:00Z');
    const { keep, remove } = forget(sundays, { ...none, daily: 4 });
    assert.deepEqual(dates(keep.map(({ id }) => id)), [
      '2019-11-17',
      '2019-11-10',
      '2019-11-03',
      '2019-10-27',
    ]);
    assert.equal(remove.length, 8);
  });

  it('lets one set satisfy several options: 7 days and 5 weeks are 11 daily backups', () => {
    // The newest is a Sunday, so the week of the seven days counts for both.
    const sets = every(1, 400, '2026-11-22T12:00:00Z');
    const { keep } = forget(sets, { ...none, daily: 7, weekly: 5 });
    assert.equal(keep.length, 11);
    assert.deepEqual(keep[0]?.reasons, ['daily', 'weekly']);
  });

  it('begins a week on Monday at 00:00 UTC', () => {
    const sets = [
      set('2026-11-16T00:00:00Z'),
      set('2026-11-15T23:59:59Z'),
      set('2026-11-09T00:00:00Z'),
      set('2026-11-08T23:59:59Z'),
    ];
    assert.deepEqual(kept(sets, { weekly: 3 }), [
      '2026-11-16T00:00:00Z',
      '2026-11-15T23:59:59Z',
      '2026-11-08T23:59:59Z',
    ]);
  });

  it('takes the days around New Year for one week when ISO 8601 does', () => {
    // 2026-12-28 to 2027-01-03 is week 53 of 2026; 2027-01-04 begins week 1 of 2027.
    const sets = [
      set('2027-01-04T01:00:00Z'),
      set('2027-01-03T01:00:00Z'),
      set('2026-12-28T01:00:00Z'),
      set('2026-12-27T01:00:00Z'),
    ];
    assert.deepEqual(dates(kept(sets, { weekly: 3 })), ['2027-01-04', '2027-01-03', '2026-12-27']);
  });

  it('keeps the newest of each month, across years', () => {
    const sets = every(10, 20, '2027-01-31T12:00:00Z');
    assert.deepEqual(dates(kept(sets, { monthly: 3 })), ['2027-01-31', '2026-12-22', '2026-11-22']);
  });

  it('keeps the oldest set as well while an option is not used up', () => {
    const january = ['04T20:20:32', '04T20:09:54', '03T01:04:38', '02T13:42:44'].map((time) =>
      set(`2024-01-${time}Z`),
    );
    assert.deepEqual(forget(january, { ...none, monthly: 4 }).keep, [
      { id: '2024-01-04T20:20:32Z', reasons: ['monthly'] },
      { id: '2024-01-02T13:42:44Z', reasons: ['oldest monthly'] },
    ]);
  });

  it('does not keep the oldest set when its options are used up', () => {
    const sets = every(1, 4, '2026-11-04T12:00:00Z');
    assert.deepEqual(dates(kept(sets, { daily: 2 })), ['2026-11-04', '2026-11-03']);
  });

  it('keeps the newest consistent set whatever the policy says', () => {
    const sets = [
      set('2026-11-21T20:00:00Z', false),
      set('2026-11-20T20:00:00Z', false),
      set('2026-11-19T20:00:00Z'),
      set('2026-11-18T20:00:00Z'),
    ];
    assert.deepEqual(forget(sets, { ...none, last: 1 }).keep, [
      { id: '2026-11-21T20:00:00Z', reasons: ['last'] },
      { id: '2026-11-19T20:00:00Z', reasons: ['newest consistent'] },
    ]);
  });

  it('counts each part by itself: seven sets of ML Metadata do not push out the last one with the rest', () => {
    const full = set('2026-11-01T03:00:00Z', true, ['kfp-db', 'mlmd', 'mlpipeline/a']);
    const partial = every(1, 9, '2026-11-20T03:00:00Z').map(({ id }) => set(id, true, ['mlmd']));
    const { keep, remove } = forget([full, ...partial], { ...none, last: 7 });
    assert.deepEqual(
      keep.map(({ id }) => id),
      [...partial.slice(0, 7), full].map(({ id }) => id),
    );
    assert.equal(remove.length, 2);
  });

  it('keeps the newest set of each part that is in one piece, and the newest consistent one', () => {
    const parts = ['mlpipeline/a'];
    const sets = [
      set('2026-11-21T20:00:00Z', true, parts, parts),
      set('2026-11-20T20:00:00Z', false, parts),
      set('2026-11-19T20:00:00Z', true, parts, parts),
      set('2026-11-18T20:00:00Z', true, parts),
      set('2026-11-17T20:00:00Z', true, parts),
    ];
    assert.deepEqual(dates(kept(sets, { last: 1 })), ['2026-11-21', '2026-11-20', '2026-11-18']);
  });

  it('keeps the newest of all and of each period, and never more than the options allow', () => {
    const anySet = fc
      .record({
        at: fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2030, 0, 1) }),
        consistent: fc.boolean(),
      })
      .map(({ at, consistent }) => set(new Date(at), consistent));
    const anyCount = fc.integer({ min: 0, max: 5 });
    const anyPolicy = fc.record({
      last: anyCount,
      daily: anyCount,
      weekly: anyCount,
      monthly: anyCount,
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(anySet, { selector: ({ id }) => id, minLength: 1, maxLength: 60 }),
        anyPolicy,
        (sets, policy) => {
          const { keep, remove } = forget(sets, policy);
          const ids = new Set(keep.map(({ id }) => id));
          const newestFirst = sets.toSorted((a, b) => (a.id < b.id ? 1 : -1));
          assert.equal(keep.length + remove.length, sets.length);
          assert.ok(ids.has(newestFirst[0]!.id));
          const consistent = newestFirst.find((one) => one.consistent);
          assert.ok(consistent === undefined || ids.has(consistent.id));
          const total = policy.last + policy.daily + policy.weekly + policy.monthly;
          if (total > 0) assert.ok(keep.length <= total + 1);
          for (const { id } of newestFirst.slice(0, policy.last)) assert.ok(ids.has(id));
        },
      ),
    );
  });
});
