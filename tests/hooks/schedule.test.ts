import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import { type RunEnd, scheduledUnits } from '../rigs/scheduled-units.ts';

const day = 86_400_000;

/** A schedule at 02:00 in November 2026, whose leader had its first hook at noon of the 25th. */
const aNightlyUnit = async (options: Readonly<Record<string, unknown>> = {}) => {
  const rig = scheduledUnits(options, '2026-11-25T12:00:00Z');
  const [unit] = rig.units;
  /** A hook at `day hour:minute`. */
  const hook = async (time: string, name = 'update-status'): Promise<void> => {
    rig.at = at(time);
    await unit.hook(name);
  };
  const begin = async () => unit.begin(rig.tasks.at(-1) ?? assert.fail('nothing was enqueued'));
  const run = async (end: RunEnd): Promise<void> => (await begin())(end);
  const phases = async (): Promise<readonly string[]> =>
    (await unit.sessions()).map(({ id, phase }) => `${id.slice(8, 10)} ${phase}`);
  await hook('25 12:00', 'config-changed');
  return Object.assign(rig, { hook, begin, run, phases });
};

const at = (time: string): Date => new Date(`2026-11-${time.replace(' ', 'T')}:00Z`);
const slotsOf = ({ tasks }: Awaited<ReturnType<typeof aNightlyUnit>>): readonly unknown[] =>
  tasks.map(({ parameters }) => parameters['slot']);

describe('a schedule', () => {
  it('needs no timer: with update-status every hour a backup is an hour late at most', async () => {
    const rig = await aNightlyUnit();
    await rig.hook('26 01:30');
    assert.deepEqual(slotsOf(rig), []);
    await rig.hook('26 02:30');
    assert.deepEqual(slotsOf(rig), ['2026-11-26T02:00:00Z']);
  });

  for (const code of ['store-unreachable', 'store-refused'] as const)
    it(`keeps the record of a run while S3 answers ${code}, and sends it later`, async () => {
      const rig = await aNightlyUnit();
      await rig.hook('26 02:00', 'secret-expired');
      rig.s3 = new CharmError(code, 'Not now.');
      await rig.run('succeeded');
      await rig.hook('26 03:00');
      assert.equal((await rig.units[0].journal.sessions()).length, 1);
      rig.s3 = undefined;
      await rig.hook('26 03:05');
      assert.deepEqual(await rig.phases(), ['26 Succeeded']);
      assert.deepEqual(await rig.units[0].journal.sessions(), []);
    });

  it('skips a slot that comes while a run goes on for longer than a day, and goes on', async () => {
    const rig = await aNightlyUnit();
    await rig.hook('26 02:00', 'secret-expired');
    const end = await rig.begin();
    rig.at = at('27 04:00');
    await end('succeeded');
    await rig.hook('27 04:00', 'secret-expired');
    assert.deepEqual(await rig.phases(), ['27 Skipped', '26 Succeeded']);
    await rig.hook('28 02:00', 'secret-expired');
    assert.deepEqual(slotsOf(rig), ['2026-11-26T02:00:00Z', '2026-11-28T02:00:00Z']);
  });

  it('lets a run end that is paused in its middle, and starts no other', async () => {
    const rig = await aNightlyUnit();
    await rig.hook('26 02:00', 'secret-expired');
    const end = await rig.begin();
    rig.options['schedule-paused'] = true;
    await end('succeeded');
    await rig.hook('26 02:30', 'config-changed');
    await rig.hook('27 03:00');
    assert.deepEqual(await rig.phases(), ['26 Succeeded']);
    assert.equal(rig.alarm, undefined);
  });

  it('starts nothing at once when it goes on after a pause, and counts nothing as missed', async () => {
    const rig = await aNightlyUnit({ 'schedule-paused': true });
    await rig.hook('28 03:00');
    rig.options['schedule-paused'] = false;
    await rig.hook('28 03:01', 'config-changed');
    await rig.hook('28 04:00');
    assert.deepEqual([slotsOf(rig), await rig.phases()], [[], []]);
    assert.deepEqual(rig.alarm, at('29 02:00'));
  });

  for (const years of [-3, 3])
    it(`goes on in the night after a clock that was wrong by ${years} years is right again`, async () => {
      const rig = await aNightlyUnit();
      rig.at = new Date(at('25 13:00').getTime() + years * 365 * day);
      await rig.units[0].hook('update-status');
      await rig.hook('25 14:00');
      assert.deepEqual([slotsOf(rig), await rig.phases()], [[], []]);
      await rig.hook('26 02:00', 'secret-expired');
      assert.deepEqual(slotsOf(rig), ['2026-11-26T02:00:00Z']);
    });

  it('keeps a slot due while the controller refuses, says why, and begins it when it may', async () => {
    const rig = await aNightlyUnit();
    rig.juju = new CharmError('juju-read-only', 'The user may only read.');
    await rig.hook('26 02:00', 'secret-expired');
    assert.match(rig.units[0].tools.status.message, /\[juju-read-only\]/);
    assert.deepEqual(rig.alarm, at('26 02:05'));
    rig.juju = undefined;
    await rig.hook('26 02:05', 'secret-expired');
    assert.deepEqual(slotsOf(rig), ['2026-11-26T02:00:00Z']);
  });

  it('has one record of a slot, and counts it once, whose run died before anybody could tell of it', async () => {
    const rig = await aNightlyUnit();
    const [unit] = rig.units;
    rig.at = at('26 02:00');
    await unit.hook('secret-expired', { crash: true });
    await rig.run('killed');
    await rig.hook('27 12:00');
    await rig.hook('27 12:05');
    assert.deepEqual(await rig.phases(), ['27 Missed', '26 Failed']);
    assert.deepEqual(await unit.journal.runCounts(), {
      'failed/schedule': 1,
      'missed/schedule': 1,
    });
  });

  it('has not failed when its run met another operation, says so in status and session, and tries again', async () => {
    const rig = await aNightlyUnit();
    const [unit] = rig.units;
    await rig.hook('26 02:00', 'secret-expired');
    await rig.run(new CharmError('backup-running', 'Another one runs.'));
    await rig.hook('26 02:02');
    assert.equal(unit.tools.status.name, 'waiting');
    assert.match(unit.tools.status.message, /02:00:00Z waits for another operation, until 2026-/);
    await rig.hook('26 02:06');
    await rig.run(new CharmError('backup-running', 'Another one runs.'));
    await rig.hook('26 08:01');
    assert.deepEqual(await rig.phases(), ['26 Skipped']);
    assert.doesNotMatch(unit.tools.status.message, /scheduled-backup-failed/);
    await rig.hook('27 02:00', 'secret-expired');
    await rig.run('succeeded');
    await rig.hook('27 02:05');
    assert.deepEqual(await rig.phases(), ['27 Succeeded', '26 Skipped']);
  });

  it('has not failed when schedule-when-busy=skip and its run found something that had just begun', async () => {
    const rig = await aNightlyUnit({ 'schedule-when-busy': 'skip' });
    await rig.hook('26 02:00', 'secret-expired');
    const end = await rig.begin();
    await end(new CharmError('workloads-running', 'A pipeline runs.'));
    await rig.hook('26 02:05');
    assert.deepEqual(await rig.phases(), ['26 Skipped']);
    assert.doesNotMatch(rig.units[0].tools.status.message, /scheduled-backup-failed/);
    assert.deepEqual(await rig.units[0].journal.runCounts(), { 'skipped/schedule': 1 });
  });

  it('has one record and one set of a slot that two leaders took for theirs at the same moment', async () => {
    const rig = await aNightlyUnit();
    const [one, other] = rig.units;
    other.tools.leader = true;
    rig.at = at('26 02:00');
    await Promise.all([one.hook('secret-expired'), other.hook('secret-expired')]);
    assert.equal(rig.tasks.length, 2);
    const [first = assert.fail(), second = assert.fail()] = rig.tasks;
    const end = await one.begin(first);
    await (
      await other.begin(second)
    )(new CharmError('backup-running', 'Another one runs.'));
    rig.at = at('26 02:30');
    await end('succeeded');
    one.tools.leader = false;
    await other.hook('leader-elected');
    for (const time of ['02:45', '03:00', '03:30']) {
      rig.at = at(`26 ${time}`);
      await other.hook('update-status');
    }
    assert.deepEqual(await rig.phases(), ['26 Succeeded']);
    assert.deepEqual(
      (await other.sessions())[0]?.earlier?.map(({ code }) => code),
      ['backup-running'],
    );
    assert.equal(rig.tasks.length, 2);
  });
});
