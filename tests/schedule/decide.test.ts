import assert from 'node:assert/strict';
import { decide, withRun } from '../../src/schedule/decide.ts';
import type { Decision, Situation } from '../../src/schedule/decision.ts';
import { openSchedule } from '../../src/schedule/schedule.ts';
import type { SeenTask } from '../../src/schedule/tasks.ts';

const hour = 3_600_000;

const nightly = openSchedule(
  {
    pattern: '0 2 * * *',
    timezone: 'UTC',
    exclude: 'Mon-Fri 08:00-18:00',
    modelUuid: '',
    application: 'ckf-backup',
  },
  new Date('2026-11-01T00:00:00Z'),
);

/** In November 2026, a month in which the 25th is a Wednesday: `day hour:minute`. */
const at = (text: string): Date => new Date(`2026-11-${text.replace(' ', 'T')}:00Z`);

const slotTask = (change: Partial<SeenTask> = {}): SeenTask => ({
  task: '42',
  action: 'backup-control-plane',
  slot: at('25 02:00'),
  state: 'active',
  began: at('25 02:00'),
  ended: undefined,
  ...change,
});

const ask = (
  now: string,
  {
    tasks = [],
    busy = [],
    rules = {},
    ...change
  }: Partial<Omit<Situation, 'rules'>> & {
    readonly tasks?: readonly SeenTask[];
    readonly busy?: readonly string[];
    readonly rules?: Partial<Situation['rules']>;
  } = {},
): Decision =>
  decide({
    schedule: nightly,
    standing: { accounted: at('24 02:00') },
    now: at(now),
    facts: { kind: 'seen', tasks, busy },
    rules: {
      ...{ startDeadline: 6 * hour, runDeadline: 12 * hour, whenBusy: 'wait', retries: 2 },
      hasDeadline: true,
      ...rules,
    },
    ...change,
  });

/** What a decision comes to, in words. */
const said = ({ step, unused, ended, wake, standing }: Decision): string =>
  [
    step.kind === 'run'
      ? `run ${short(step.run.slot)} attempt ${step.run.attempt}${step.run.allowRunning ? ' although busy' : ''}`
      : step.kind === 'wait' && step.why
        ? `wait for ${step.why.hindrance.kind} until ${short(step.why.until)}`
        : step.kind,
    ...unused.map(
      ({ phase, first, count }) =>
        `${phase} ${short(first)}${count > 1 ? ` and ${count - 1} more` : ''}`,
    ),
    ...ended.map(({ state }) => `ended ${state}`),
    ...(standing.current ? [`task ${standing.current.task}`] : []),
    `accounted ${short(standing.accounted)}`,
    `wake ${wake ? short(wake) : 'never'}`,
  ].join(', ');

const short = (time: Date): string => time.toISOString().slice(8, 16).replace('T', ' ');

describe('what is due', () => {
  it('looks at nothing while no slot has come', () => {
    assert.equal(
      said(ask('24 12:00', { facts: undefined })),
      'wait, accounted 24 02:00, wake 25 02:00',
    );
  });

  it('looks around when a slot has come, and then runs it', () => {
    assert.equal(ask('25 02:00', { facts: undefined }).step.kind, 'look');
    assert.equal(
      said(ask('25 02:00')),
      'run 25 02:00 attempt 1, accounted 24 02:00, wake 25 02:05',
    );
  });

  it('takes a slot that is less than a minute ahead for due, because Juju rings up to 59 s early', () => {
    const now = new Date(at('25 02:00').getTime() - 59_000);
    assert.equal(ask('25 02:00', { now }).step.kind, 'run');
    assert.equal(ask('25 01:58', {}).step.kind, 'wait');
  });

  it('remembers a run that was begun, and begins it only once', () => {
    const decision = ask('25 02:00');
    assert.ok(decision.step.kind === 'run');
    const standing = withRun(decision.standing, decision.step.run, '42');
    assert.equal(
      said(ask('25 02:05', { standing, tasks: [slotTask()] })),
      'wait, task 42, accounted 25 02:00, wake 25 02:10',
    );
    const ended = [slotTask({ state: 'succeeded', ended: at('25 02:40') })];
    assert.equal(
      said(ask('25 02:41', { standing, tasks: ended })),
      'wait, ended succeeded, accounted 25 02:00, wake 26 02:00',
    );
  });

  it('takes the run for begun that a hook enqueued and Juju then knew nothing of the hook', () => {
    assert.equal(
      said(ask('25 02:05', { tasks: [slotTask()] })),
      'wait, task 42, accounted 25 02:00, wake 25 02:10',
    );
  });

  it('tells how the runs of slots ended of which the hook that began it could not tell', () => {
    const long = slotTask({ state: 'succeeded', ended: at('26 04:00') });
    assert.equal(
      said(ask('26 04:00', { tasks: [long] })),
      'wait, Skipped 26 02:00, ended succeeded, accounted 26 02:00, wake 27 02:00',
    );
    const killed = slotTask({ state: 'failed', failure: 'passing', ended: at('25 02:01') });
    assert.match(
      said(ask('28 01:00', { tasks: [killed] })),
      /^wait, Missed 26 02:00 and 1 more, ended failed, accounted 27/,
    );
    const twice = [killed, { ...killed, task: '43', state: 'cancelled' } as const];
    assert.match(
      said(ask('28 01:00', { tasks: twice })),
      /^wait, Missed 26 02:00 and 1 more, ended failed, ended cancelled, accounted 27/,
    );
  });

  it('remembers a run for an earlier slot that still goes on, of which nobody knew', () => {
    const long = slotTask({ began: at('25 23:00') });
    const late = ask('26 09:00', { tasks: [long] });
    assert.equal(said(late), 'wait, Skipped 26 02:00, task 42, accounted 26 02:00, wake 26 09:05');
    assert.match(late.unused[0]?.reason ?? '', /task 42 was still going on/);
  });

  it('runs the newest slot once after days away, and counts the others as missed', () => {
    assert.equal(
      said(ask('27 03:00')),
      'run 27 02:00 attempt 1, Missed 25 02:00 and 1 more, accounted 26 02:00, wake 27 03:05',
    );
  });

  it('counts a slot as missed that nobody began before the start deadline', () => {
    assert.equal(said(ask('25 20:00')), 'wait, Missed 25 02:00, accounted 25 02:00, wake 26 02:00');
  });

  it('keeps a slot due while the controller cannot be reached, and says so when it is too late', () => {
    const facts = { kind: 'unreachable' } as const;
    assert.equal(
      said(ask('25 02:30', { facts })),
      'wait for unreachable until 25 08:00, accounted 24 02:00, wake 25 02:35',
    );
    const late = ask('25 08:01', { facts });
    assert.equal(said(late), 'wait, Missed 25 02:00, accounted 25 02:00, wake 26 02:00');
    assert.match(late.unused[0]?.reason ?? '', /could not be reached/);
    // Nobody saw yesterday's run go on either.
    const current = { slot: at('24 02:00'), attempt: 1, task: '41' };
    const unheard = ask('25 08:01', { facts, standing: { accounted: at('24 02:00'), current } });
    assert.equal(
      said(unheard),
      'wait, Missed 25 02:00, task 41, accounted 25 02:00, wake 25 08:06',
    );
    assert.match(unheard.unused[0]?.reason ?? '', /could not be reached/);
  });

  it('waits for another operation of ours, but not for one that is older than any run may be', () => {
    const manual = slotTask({ task: '40', slot: undefined, began: at('25 01:50') });
    assert.equal(
      said(ask('25 02:00', { tasks: [manual] })),
      'wait for task until 25 08:00, accounted 24 02:00, wake 25 02:05',
    );
    const stuck = { ...manual, began: at('24 01:00') };
    assert.equal(ask('25 02:00', { tasks: [stuck] }).step.kind, 'run');
  });

  it('takes a backup for the slot’s own that was being made when it came, and succeeded', () => {
    const manual = slotTask({
      ...{ task: '40', slot: undefined, state: 'succeeded' },
      ...{ began: at('25 01:50'), ended: at('25 02:50') },
    });
    const decision = ask('25 02:50', { tasks: [manual] });
    assert.equal(said(decision), 'wait, Skipped 25 02:00, accounted 25 02:00, wake 26 02:00');
    assert.match(decision.unused[0]?.reason ?? '', /task 40/);
    assert.equal(ask('25 02:50', { tasks: [{ ...manual, state: 'failed' }] }).step.kind, 'run');
    const restore = { ...manual, action: 'restore-control-plane' };
    assert.equal(ask('25 02:50', { tasks: [restore] }).step.kind, 'run');
  });

  it('starts nothing in the excluded times, and waits for their end', () => {
    const rules = { startDeadline: 30 * hour };
    assert.equal(
      said(ask('25 09:00', { rules })),
      'wait for excluded until 26 08:00, accounted 24 02:00, wake 25 18:00',
    );
    assert.equal(ask('25 18:00', { rules }).step.kind, 'run');
  });

  it('does not run for years of wrong clocks', () => {
    const ahead = { accounted: new Date('2036-01-01T00:00:00Z') };
    assert.equal(
      said(ask('25 12:00', { standing: ahead })),
      'wait, accounted 25 12:00, wake 26 02:00',
    );
    const behind = { accounted: new Date(0) };
    assert.equal(
      said(ask('25 12:00', { standing: behind })),
      'wait, accounted 25 12:00, wake 26 02:00',
    );
  });

  it('has no next time when no slot comes any more', () => {
    const schedule = { next: () => undefined, exclusions: { remaining: () => 0 } };
    assert.equal(said(ask('25 12:00', { schedule })), 'wait, accounted 24 02:00, wake never');
  });
});

describe('what is due while Kubeflow is busy', () => {
  const busy = ['Workflow alice/train-1 (Running)'];

  it('waits for a quiet moment, and shortly before the start deadline goes on all the same', () => {
    assert.equal(
      said(ask('25 02:00', { busy })),
      'wait for busy until 25 08:00, accounted 24 02:00, wake 25 02:05',
    );
    assert.equal(
      said(ask('25 07:51', { busy })),
      'run 25 02:00 attempt 1 although busy, accounted 24 02:00, wake 25 07:56',
    );
  });

  it('skips the slot with schedule-when-busy=skip, and says what was running', () => {
    const decision = ask('25 02:00', { busy, rules: { whenBusy: 'skip' } });
    assert.equal(said(decision), 'wait, Skipped 25 02:00, accounted 25 02:00, wake 26 02:00');
    assert.match(decision.unused[0]?.reason ?? '', /alice\/train-1/);
  });

  it('goes on at once with schedule-when-busy=run', () => {
    assert.match(
      said(ask('25 02:00', { busy, rules: { whenBusy: 'run' } })),
      /^run .* although busy/,
    );
  });

  it('has a slot due again whose run found something that had begun a moment before', () => {
    const standing = {
      accounted: at('25 02:00'),
      current: { slot: at('25 02:00'), attempt: 1, task: '42' },
    };
    const tasks = [slotTask({ state: 'failed', failure: 'busy', ended: at('25 02:01') })];
    assert.match(said(ask('25 02:01', { standing, tasks })), /^wait for busy until 25 08:00/);
    assert.match(said(ask('25 02:06', { standing, tasks })), /^run 25 02:00 attempt 1,/);
  });

  it('leaves a slot alone that a later one has replaced while the controller was away', () => {
    const standing = {
      accounted: at('26 02:00'),
      current: { slot: at('25 02:00'), attempt: 1, task: '42' },
    };
    const tasks = [slotTask({ state: 'failed', failure: 'busy', ended: at('25 02:01') })];
    assert.equal(
      said(ask('26 12:00', { standing, tasks })),
      'wait, ended skipped, accounted 26 02:00, wake 27 02:00',
    );
  });
});

describe('a run that met another operation on the path', () => {
  const standing = {
    accounted: at('25 02:00'),
    current: { slot: at('25 02:00'), attempt: 1, task: '42' },
  };
  const tasks = [slotTask({ state: 'failed', failure: 'occupied', ended: at('25 02:01') })];

  for (const whenBusy of ['wait', 'skip', 'run'] as const)
    it(`did nothing, so its slot is due again, with schedule-when-busy=${whenBusy}`, () => {
      const rules = { whenBusy };
      assert.match(
        said(ask('25 02:02', { standing, tasks, rules })),
        /^wait for occupied until 25 08:00, accounted .*, wake 25 02:07$/,
      );
      assert.match(said(ask('25 02:06', { standing, tasks, rules })), /^run 25 02:00 attempt 1/);
    });

  it('is skipped, and has not failed, when the other does not end before the start deadline', () => {
    const late = ask('25 08:01', { standing, tasks });
    assert.equal(said(late), 'wait, Skipped 25 02:00, accounted 25 02:00, wake 26 02:00');
    assert.match(late.unused[0]?.reason ?? '', /Another operation/);
  });

  it('is told as skipped when a later slot has come', () => {
    assert.match(
      said(ask('26 02:00', { standing, tasks })),
      /^run 26 02:00 attempt 1, ended skipped, accounted 25/,
    );
  });
});

describe('a run without a deadline', () => {
  const rules = { hasDeadline: false };
  const [old, now] = ['25 02:00', '26 02:00'] as const;
  const standing = { accounted: at(old), current: { slot: at(old), attempt: 1, task: '42' } };
  const long = slotTask();

  it('goes on for as long as the controller says so, and does not count as vanished', () => {
    assert.match(said(ask('25 23:00', { standing, rules, tasks: [long] })), /^wait, task 42/);
  });

  it('keeps the next one waiting only when that finds its lock', () => {
    assert.match(said(ask(now, { standing, rules, tasks: [long] })), /^run 26 02:00 attempt 1/);
    const met = slotTask({
      ...{ task: '43', slot: at(now), began: at(now), ended: at(now) },
      ...({ state: 'failed', failure: 'occupied' } as const),
    });
    const begun = { accounted: at(now), current: { slot: at(now), attempt: 1, task: '43' } };
    assert.match(
      said(ask('26 02:10', { standing: begun, rules, tasks: [long, met] })),
      /^wait for task until 26 08:00, task 42, /,
    );
    const after = { accounted: at(old), current: standing.current };
    assert.match(
      said(ask('26 08:10', { standing: after, rules, tasks: [long, met] })),
      /^wait, Skipped 26 02:00, task 42, /,
    );
  });
});

describe('a run that failed', () => {
  const standing = {
    accounted: at('25 02:00'),
    current: { slot: at('25 02:00'), attempt: 1, task: '42' },
  };
  const failed = (change: Partial<SeenTask> = {}) =>
    slotTask({ state: 'failed', failure: 'passing', ended: at('25 02:10'), ...change });

  it('is tried again after 15 and 30 minutes when it failed for something that passes', () => {
    const first = ask('25 02:11', { standing, tasks: [failed()] });
    assert.equal(
      said(first),
      'wait for retry until 25 02:25, ended failed, task 42, accounted 25 02:00, wake 25 02:25',
    );
    const again = ask('25 02:25', { standing: first.standing, tasks: [failed()] });
    assert.equal(said(again), 'run 25 02:00 attempt 2, task 42, accounted 25 02:00, wake 25 02:30');
    const second = { ...standing, current: { ...standing.current, attempt: 2, task: '50' } };
    const tasks = [failed(), failed({ task: '50', ended: at('25 02:30') })];
    assert.match(said(ask('25 02:31', { standing: second, tasks })), /until 25 03:00/);
  });

  it('is not tried for a third time, nor when nobody but an operator can mend it, nor when it was cancelled', () => {
    const third = { ...standing, current: { ...standing.current, attempt: 3 } };
    for (const [run, task] of [
      [third, failed()],
      [standing, failed({ failure: 'lasting' })],
      [standing, failed({ state: 'cancelled' })],
    ] as const)
      assert.match(
        said(ask('25 02:11', { standing: run, tasks: [task] })),
        /^wait, ended \w+, accounted 25 02:00, wake 26/,
      );
  });

  it('is tried again when its task vanished, or is older than any run may be', () => {
    assert.match(
      said(ask('25 03:00', { standing })),
      /^wait for retry until 25 03:15, ended vanished/,
    );
    assert.match(said(ask('25 15:01', { standing, tasks: [slotTask()] })), /ended vanished/);
  });

  it('gives way to the next slot', () => {
    const waiting = { ...standing, current: { ...standing.current, retryAt: at('26 03:00') } };
    assert.equal(
      said(ask('26 02:00', { standing: waiting })),
      'run 26 02:00 attempt 1, accounted 25 02:00, wake 26 02:05',
    );
    const shortly = [failed({ ended: at('26 01:50') })];
    assert.match(
      said(ask('26 01:51', { standing, tasks: shortly })),
      /^wait, ended failed, accounted 25/,
    );
  });

  it('takes a retry for begun that a hook enqueued and Juju then knew nothing of the hook', () => {
    const waiting = { ...standing, current: { ...standing.current, retryAt: at('25 02:25') } };
    const tasks = [failed(), slotTask({ task: '50', began: at('25 02:25') })];
    const decision = ask('25 02:26', { standing: waiting, tasks });
    assert.equal(said(decision), 'wait, task 50, accounted 25 02:00, wake 25 02:31');
    assert.equal(decision.standing.current?.attempt, 2);
  });

  it('is told however its retry ended, which a killed hook began before the controller was away', () => {
    const current = { slot: at('25 02:00'), attempt: 1, task: '42', retryAt: at('25 02:30') };
    const away = ask('26 08:01', {
      standing: { accounted: at('25 02:00'), current },
      facts: { kind: 'unreachable' },
    });
    assert.match(said(away), /^wait, Missed 26 02:00, task 42, accounted 26 02:00/);
    const { standing } = away;
    const retry = slotTask({ task: '43', state: 'succeeded', ended: at('25 03:00') });
    const adopted = ask('26 09:00', { standing, tasks: [retry] });
    assert.match(said(adopted), /^wait, task 43, accounted 26 02:00/);
    const told = ask('26 09:05', { standing: adopted.standing, tasks: [retry] });
    assert.equal(said(told), 'wait, ended succeeded, accounted 26 02:00, wake 27 02:00');
    // Nobody began it, and a later slot has replaced it.
    assert.equal(said(ask('26 09:00', { standing })), 'wait, accounted 26 02:00, wake 27 02:00');
  });

  it('counts no retry that met another operation, and repeats it until the start deadline', () => {
    const current = { slot: at('25 02:00'), attempt: 2, task: '43' };
    const standing = { accounted: at('25 02:00'), current };
    const tasks = [
      slotTask({ state: 'failed', failure: 'passing', ended: at('25 02:10') }),
      slotTask({ task: '43', state: 'failed', failure: 'occupied', ended: at('25 02:31') }),
    ];
    assert.match(said(ask('25 02:32', { standing, tasks })), /^wait for occupied until 25 08:00/);
    assert.match(said(ask('25 02:37', { standing, tasks })), /^run 25 02:00 attempt 2/);
    assert.equal(
      said(ask('25 08:01', { standing, tasks })),
      'wait, ended skipped, accounted 25 02:00, wake 26 02:00',
    );
  });
});

describe('a run that goes on when the next slot comes', () => {
  const standing = {
    accounted: at('25 02:00'),
    current: { slot: at('25 02:00'), attempt: 1, task: '42' },
  };
  const rules = { runDeadline: 48 * hour };

  it('lets it wait, and skips it when that is too late', () => {
    assert.equal(
      said(ask('26 02:00', { standing, rules, tasks: [slotTask()] })),
      'wait for task until 26 08:00, task 42, accounted 25 02:00, wake 26 02:05',
    );
    const late = ask('26 08:01', { standing, rules, tasks: [slotTask()] });
    assert.equal(said(late), 'wait, Skipped 26 02:00, task 42, accounted 26 02:00, wake 26 08:06');
    assert.match(late.unused[0]?.reason ?? '', /task 42 was still going on/);
  });

  it('counts for it when it succeeds, and not when it fails', () => {
    const done = slotTask({ state: 'succeeded', ended: at('26 05:00') });
    assert.match(
      said(ask('26 05:00', { standing, rules, tasks: [done] })),
      /^wait, Skipped 26 02:00, ended succeeded/,
    );
    const failed = { ...done, state: 'failed', failure: 'passing' } as const;
    assert.match(
      said(ask('26 05:00', { standing, rules, tasks: [failed] })),
      /^run 26 02:00 attempt 1, ended failed/,
    );
  });
});
