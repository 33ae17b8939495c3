import assert from 'node:assert/strict';
import { hasCode } from '../../src/errors.ts';
import { parseExclusions } from '../../src/schedule/exclusions.ts';
import { longestInterval, openSchedule } from '../../src/schedule/schedule.ts';

const modelUuid = '2b2bd4f4-3f0a-4c5e-8a8d-0a9d6b8a2c11';

const open = (pattern: string, timezone = 'UTC', exclude = '', from = '2026-10-24T00:00:00Z') =>
  openSchedule(
    { pattern, timezone, exclude, modelUuid, application: 'ckf-backup' },
    new Date(from),
  );

const slots = (
  [pattern, timezone, exclude]: readonly [string, string?, string?],
  from: string,
  count: number,
): readonly string[] => {
  const { next } = open(pattern, timezone, exclude, from);
  const found: string[] = [];
  for (let slot = next(new Date(from)); slot !== undefined && found.length < count;) {
    found.push(slot.toISOString().slice(0, 16));
    slot = next(slot);
  }
  return found;
};

describe('a schedule', () => {
  it('has the slots of its cron expression, strictly after the time asked for', () => {
    assert.deepEqual(slots(['0 2 * * *'], '2026-10-24T02:00:00Z', 2), [
      '2026-10-25T02:00',
      '2026-10-26T02:00',
    ]);
    assert.deepEqual(slots(['@weekly'], '2026-10-24T02:00:00Z', 1), ['2026-10-25T00:00']);
  });

  it('takes a day of the month and a day of the week as either of them, as cron does', () => {
    assert.deepEqual(slots(['0 2 1 * 5'], '2026-10-28T00:00:00Z', 3), [
      '2026-10-30T02:00',
      '2026-11-01T02:00',
      '2026-11-06T02:00',
    ]);
  });

  // What Vixie cron does: a fixed time once on each day, a job of every hour at every hour.
  const changes: readonly (readonly [
    string,
    readonly [string, string, string?],
    string,
    readonly string[],
  ])[] = [
    [
      'a time that does not exist that day comes at the first valid instant (Berlin)',
      ['30 2 * * *', 'Europe/Berlin'],
      '2027-03-27T12:00:00Z',
      ['2027-03-28T01:00', '2027-03-29T00:30'],
    ],
    [
      'a time that exists twice comes once (Berlin)',
      ['30 2 * * *', 'Europe/Berlin'],
      '2026-10-24T12:00:00Z',
      ['2026-10-25T00:30', '2026-10-26T01:30'],
    ],
    [
      'every hour comes once in spring (New York)',
      ['0 * * * *', 'America/New_York'],
      '2027-03-14T05:30:00Z',
      ['2027-03-14T06:00', '2027-03-14T07:00', '2027-03-14T08:00'],
    ],
    [
      'every hour comes once in autumn (New York)',
      ['0 * * * *', 'America/New_York'],
      '2026-11-01T04:30:00Z',
      ['2026-11-01T05:00', '2026-11-01T06:00', '2026-11-01T07:00'],
    ],
  ];
  for (const [what, options, from, expected] of changes)
    it(`knows the days on which clocks are changed: ${what}`, () => {
      assert.deepEqual(slots(options, from, expected.length), expected);
    });

  it('has no slots in the excluded times, which are local', () => {
    assert.deepEqual(
      slots(
        ['0 */6 * * *', 'Europe/Berlin', 'Mon-Fri 05:00-18:00, Sat'],
        '2026-10-23T00:00:00Z',
        6,
      ),
      [
        '2026-10-23T16:00', // Friday 18:00
        '2026-10-24T22:00', // Sunday 00:00
        '2026-10-25T05:00',
        '2026-10-25T11:00',
        '2026-10-25T17:00',
        '2026-10-25T23:00',
      ],
    );
  });

  it('spreads @daily-random by the model, always to the same minute', () => {
    const [first, second] = slots(['@daily-random'], '2026-10-24T00:00:00Z', 2);
    assert.equal(first?.slice(11), second?.slice(11));
    const minutes = new Set(
      Array.from({ length: 40 }, (_, model) =>
        openSchedule(
          {
            ...{ pattern: '@daily-random', timezone: 'UTC', exclude: '', application: 'a' },
            modelUuid: String(model),
          },
          new Date(0),
        )
          .next(new Date(0))
          ?.getTime(),
      ),
    );
    assert.ok(minutes.size > 30);
  });

  it('tells the longest time between two slots', () => {
    const longest = (...options: readonly [string, string?, string?]): number =>
      longestInterval(open(...options), new Date('2026-10-01T00:00:00Z')) / 3600;
    assert.equal(longest('0 2 * * *'), 24);
    assert.equal(longest('0 2 * * *', 'Europe/Berlin'), 25);
    assert.equal(longest('0 2 * * 1-5'), 72);
    assert.equal(longest('0 2 * * *', 'UTC', 'Sat-Sun'), 72);
    assert.equal(longest('@monthly'), 744);
  });

  const wrong: readonly (readonly [readonly [string, string?, string?], RegExp])[] = [
    [['61 2 * * *'], /^The option schedule is "61 2 \* \* \*", but it cannot be read: .*61/],
    [['0 0 30 2 *'], /never comes/],
    [['0 2 * * *', 'UTC', '01:00-03:00'], /never comes, or only in excluded times/],
    [['*/30 * * * *'], /must leave an hour between two backups/],
    [['0,20 2 * * *'], /must leave an hour/],
    [['2027-01-01T00:00:00'], /five cron fields/],
    [['0 0 2 * * *'], /five cron fields/],
    [['0 2 ? * *'], /five cron fields/],
    [['@every 6h'], /five cron fields/],
    [['@reboot'], /five cron fields/],
    [['0 2 * * *', 'Mars/Olympus'], /schedule-timezone is "Mars\/Olympus", but it must be an IANA/],
    [['0 2 * * *', '+02:00'], /IANA/],
    [['0 2 * * *', 'UTC', 'Mon-Sun'], /schedule-exclude .* leave some time free/],
    [['0 2 * * *', 'UTC', 'Mo 08:00-09:00'], /schedule-exclude/],
    [['0 2 * * *', 'UTC', '08:00-25:00'], /schedule-exclude/],
    [['0 2 * * *', 'UTC', '08:00-08:00'], /schedule-exclude/],
  ];
  for (const [options, message] of wrong)
    it(`refuses ${JSON.stringify(options)}, and says which option and why`, () => {
      assert.throws(
        () => open(...options),
        (error) =>
          hasCode(error, 'option-invalid') &&
          message.test(error.message) &&
          error.message.length < 400 &&
          /Run: juju config ckf-backup schedule/.test(error.message),
      );
    });
});

describe('excluded times', () => {
  const remaining = (text: string, at: string, timezone = 'UTC'): number | undefined => {
    const left = parseExclusions(text, timezone)?.remaining(new Date(at));
    return left === undefined ? undefined : left / 60_000;
  };

  it('tell how long they last', () => {
    assert.equal(remaining('Mon-Fri 08:00-18:00', '2026-11-26T09:30:30Z'), 509.5);
    assert.equal(remaining('Mon-Fri 08:00-18:00', '2026-11-26T18:00:00Z'), 0);
    assert.equal(remaining('Mon-Fri 08:00-18:00', '2026-11-28T09:00:00Z'), 0);
    assert.equal(remaining('', '2026-11-28T09:00:00Z'), 0);
  });

  it('go over midnight and over the end of the week', () => {
    assert.equal(remaining('Sun 23:00-01:00', '2026-11-30T00:15:00Z'), 45);
    assert.equal(remaining('Fri-Mon', '2026-11-28T00:00:00Z'), 3 * 24 * 60);
  });

  it('last as long as one of several that touch', () => {
    assert.equal(remaining('08:00-10:00, 09:00-12:00, 12:00-12:30', '2026-11-28T08:00:00Z'), 270);
  });

  it('are local', () => {
    assert.equal(remaining('08:00-09:00', '2026-11-28T07:30:00Z', 'Europe/Berlin'), 30);
    assert.equal(remaining('08:00-09:00', '2026-11-28T08:30:00Z', 'Europe/Berlin'), 0);
  });
});
