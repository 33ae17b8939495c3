import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Session } from '../../src/sessions/session.ts';
import { type Box, startBox } from '../sandbox/box.ts';
import { ringAlarm } from '../sandbox/box/alarm.ts';
import { type VirtualClock, startVirtualClock } from '../sandbox/virtual-clock.ts';

const minute = 60_000;

describe('a schedule on the box', () => {
  let directory: string;
  let clock: VirtualClock;
  let box: Box;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'schedule-'));
    clock = startVirtualClock(join(directory, 'clock'), new Date('2026-11-25T20:00:00Z'));
    box = await startBox({
      ...{ directory: join(directory, 'box'), small: true, pace: 20 },
      environment: clock.environment,
    });
  });

  after(async () => {
    await box[Symbol.asyncDispose]();
    clock[Symbol.dispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  const at = (time: string): void => {
    clock.set(new Date(time));
  };
  const status = () => box.unit.agent.state.unitStatus;
  const alarm = (): string | undefined =>
    box.unit.agent.state.secrets.find(({ label }) => label === 'schedule')?.expires;
  const tasks = () =>
    box.model.state.tasks.filter(({ action }) => action === 'backup-control-plane');
  const sessions = async (): Promise<readonly Session[]> => {
    const run = await box.run('list-sessions', { format: 'json' });
    return JSON.parse(String(run.results['sessions'])) as Session[];
  };

  it('sets the alarm for the first slot, and starts nothing', async () => {
    await box.configure({ schedule: '0 2 * * *', components: 'mlmd' });
    assert.equal(alarm(), '2026-11-26T02:00:00.000Z');
    assert.match(status().message, /^Ready; .*, next 2026-11-26T02:00:00Z$/);
    assert.equal(tasks().length, 0);
  });

  it('enqueues our own action when the alarm rings, and moves the alarm on', async () => {
    at('2026-11-26T01:59:30Z');
    await ringAlarm(box, 'schedule');
    const [task] = tasks();
    assert.deepEqual(
      [task?.unit, task?.parameters['slot'], task?.parameters['attempt']],
      ['ckf-backup/0', '2026-11-26T02:00:00Z', 1],
    );
    assert.ok(new Date(alarm() ?? '') > clock.now());
    await box.model.ended(task?.id ?? '');
    await box.settle();
    assert.equal(box.model.task(task?.id ?? '').message, '');
    assert.equal(box.model.task(task?.id ?? '').status, 'completed');
    assert.deepEqual(
      Object.values(box.scales()),
      Object.values(box.scales()).map(() => 1),
    );
  });

  it('sees in the next hook how the run ended, and says what comes next', async () => {
    clock.set(new Date(clock.now().getTime() + 5 * minute));
    await box.hook('update-status');
    assert.match(
      status().message,
      /^Ready; last backup 2026-11-26T0.*, next 2026-11-27T02:00:00Z$/,
    );
    assert.equal(alarm(), '2026-11-27T02:00:00.000Z');
    assert.equal(tasks().length, 1);
    const [session, ...others] = await sessions();
    assert.deepEqual(others, []);
    assert.partialDeepStrictEqual(session, {
      ...{ id: '2026-11-26T02:00:00Z', phase: 'Succeeded', trigger: 'schedule', attempt: 1 },
      ...{ task: tasks()[0]?.id, consistent: true, unit: 'ckf-backup/0' },
    });
    assert.deepEqual(
      session?.components?.map(({ name }) => name),
      ['mlmd'],
    );
  });

  it('keeps what the run said, for when Juju has forgotten it', async () => {
    const shown = await box.run('show-session', { session: '2026-11-26T02:00:00Z' });
    assert.equal(shown.status, 'completed', shown.message);
    assert.match(
      String(shown.results['log']),
      /Checking whether a backup can be made[^]*is complete/,
    );
    assert.equal(shown.results['backup-id'], (await sessions())[0]?.set);
    const missing = await box.run('show-session', { session: '2026-01-01T00:00:00Z' });
    assert.match(missing.message, /list-sessions\. \[session-missing\]$/);
  });

  it('needs no alarm: any hook finds the slot that is due', async () => {
    at('2026-11-27T02:04:00Z');
    await box.hook('update-status');
    await box.hook('update-status');
    assert.equal(tasks().length, 2);
    await box.model.ended(tasks()[1]?.id ?? '');
    await box.settle();
  });

  it('waits while Kubeflow is busy, and says so', async () => {
    const workflows = 'argoproj.io/v1alpha1/workflows';
    box.kubernetes.setResources(workflows, [
      { metadata: { name: 'train', namespace: 'alice' }, status: { phase: 'Running' } },
    ]);
    at('2026-11-28T02:00:00Z');
    await ringAlarm(box, 'schedule');
    assert.equal(tasks().length, 2);
    assert.deepEqual(status(), {
      status: 'waiting',
      message:
        'Backup of 2026-11-28T02:00:00Z waits for 1 workload to end, until 2026-11-28T08:00:00Z',
    });
    box.kubernetes.setResources(workflows, []);
    at('2026-11-28T02:05:00Z');
    await ringAlarm(box, 'schedule');
    assert.equal(tasks().length, 3);
    await box.model.ended(tasks()[2]?.id ?? '');
    await box.settle();
  });

  it('keeps a slot due while the controller is away, and counts it as missed when it is too late', async () => {
    await box.controller.stop();
    at('2026-11-29T02:00:00Z');
    await ringAlarm(box, 'schedule');
    assert.equal(status().status, 'waiting');
    assert.match(status().message, /\[juju-unreachable\]/);
    at('2026-11-29T08:01:00Z');
    await box.hook('update-status');
    await box.controller.start();
    await box.hook('config-changed');
    assert.equal(tasks().length, 3);
    assert.equal(alarm(), '2026-11-30T02:00:00.000Z');
    const [missed] = await sessions();
    assert.partialDeepStrictEqual(missed, { id: '2026-11-29T02:00:00Z', phase: 'Missed' });
    assert.match(missed?.reason ?? '', /could not be reached/);
  });

  it('records that a run was cancelled, of which the run itself learns nothing', async () => {
    at('2026-11-30T02:00:00Z');
    await ringAlarm(box, 'schedule');
    const id = tasks()[3]?.id ?? '';
    await box.model.until(() => box.unit.agent.state.unitStatus.message.includes('Backup 20'));
    box.model.cancel(id);
    await box.model.ended(id);
    await box.hook('update-status');
    const [cancelled] = await sessions();
    assert.partialDeepStrictEqual(cancelled, {
      ...{ id: '2026-11-30T02:00:00Z', phase: 'Cancelled', code: 'interrupted', task: id },
    });
  });

  it('pauses, and starts nothing at once when it goes on', async () => {
    await box.configure({ 'schedule-paused': true });
    assert.equal(alarm(), undefined);
    assert.match(status().message, /schedule paused$/);
    at('2026-12-02T12:00:00Z');
    await box.hook('update-status');
    await box.configure({ 'schedule-paused': false });
    assert.equal(tasks().length, 4);
    assert.equal(alarm(), '2026-12-03T02:00:00.000Z');
  });

  it('is blocked by a cron expression that is wrong, says why, and goes on when it is right', async () => {
    await box.configure({ schedule: '61 2 * * *' });
    assert.equal(status().status, 'blocked');
    assert.match(
      status().message,
      /^Option schedule cannot be read: Invalid value for minute: 61 \[option-invalid\]: juju config/,
    );
    await box.configure({ schedule: '0 3 * * *' });
    assert.equal(alarm(), '2026-12-03T03:00:00.000Z');
    await box.configure({ schedule: '' });
    assert.equal(alarm(), undefined);
  });
});
