import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionRecord } from '../../src/volumes/records/session-record.ts';
import { needsVolumeTools } from '../rigs/needs.ts';
import { assertEnded } from '../rigs/volumes.ts';
import { type Box, startBox } from '../sandbox/box.ts';
import { ringAlarm } from '../sandbox/box/alarm.ts';
import { type UserVolumes, addVolumes, volumesKey } from '../sandbox/box/volumes.ts';
import { type VirtualClock, startVirtualClock } from '../sandbox/virtual-clock.ts';

describe("a schedule of users' volumes on the box", () => {
  let directory: string | undefined;
  let clock: VirtualClock;
  let box: Box;
  let volumes: UserVolumes;

  before(async function () {
    await needsVolumeTools(this);
    const place = mkdtempSync(join(tmpdir(), 'volumes-schedule-'));
    directory = place;
    clock = startVirtualClock(join(place, 'clock'), new Date('2026-11-25T20:00:00Z'));
    box = await startBox({
      ...{ directory: join(place, 'box'), small: true, pace: 20 },
      environment: clock.environment,
    });
    volumes = await addVolumes(box, join(place, 'volumes'));
    await box.configure({ schedule: '0 2 * * *', volumes: 'bob/*' });
  });

  after(async () => {
    // Without the tools nothing was started.
    if (directory === undefined) return;
    await volumes[Symbol.asyncDispose]();
    await box[Symbol.asyncDispose]();
    clock[Symbol.dispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  const at = (time: string): void => {
    clock.set(new Date(time));
  };
  const status = () => box.unit.agent.state.unitStatus;
  const alarm = (label = 'volumes-schedule'): string | undefined =>
    box.unit.agent.state.secrets.find((secret) => secret.label === label)?.expires;
  const tasks = () => box.model.state.tasks.filter(({ action }) => action === 'backup-volumes');
  const ended = async (): Promise<void> => {
    await box.model.ended(tasks().at(-1)?.id ?? '');
    await box.settle();
  };
  const sessions = async (): Promise<readonly SessionRecord[]> => {
    const run = await box.run('list-sessions', { of: 'volumes', format: 'json' });
    return JSON.parse(String(run.results['sessions'])) as SessionRecord[];
  };

  it('has an alarm of its own, and leaves the one of the control plane as it is', async () => {
    await box.configure({ 'volumes-schedule': '0 3 * * *' });
    assert.equal(alarm('schedule'), '2026-11-26T02:00:00.000Z');
    assert.equal(alarm(), '2026-11-26T03:00:00.000Z');
    assert.match(status().message, /, next 2026-11-26T02:00:00Z, volumes next 2026-11-26T03:00Z$/);
    await box.configure({ schedule: '' });
    assert.equal(alarm('schedule'), undefined);
    assert.equal(alarm(), '2026-11-26T03:00:00.000Z');
    assert.equal(tasks().length, 0);
  });

  it('enqueues our own action when the alarm rings, and its session says for which time', async () => {
    at('2026-11-26T02:59:30Z');
    await ringAlarm(box, 'volumes-schedule');
    assert.deepEqual(
      tasks().map(({ parameters: { slot, attempt } }) => [slot, attempt]),
      [['2026-11-26T03:00:00Z', 1]],
    );
    await ended();
    assert.equal(tasks()[0]?.status, 'completed', tasks()[0]?.message);
    assertEnded({ box, volumes });
    at('2026-11-26T03:10:00Z');
    await box.hook('update-status');
    assert.equal(alarm(), '2026-11-27T03:00:00.000Z');
    const [session, ...others] = await sessions();
    assert.deepEqual(others, []);
    assert.partialDeepStrictEqual(session, {
      ...{ phase: 'Succeeded', slot: '2026-11-26T03:00:00Z', task: tasks()[0]?.id },
      volumes: [{ claim: 'data', phase: 'Succeeded' }],
    });
  });

  it('counts the nights in which nothing could begin, and tells of them until one does', async () => {
    at('2026-11-29T12:00:00Z');
    await box.hook('update-status');
    assert.equal(tasks().length, 1);
    assert.match(status().message, /, volumes next 2026-11-30T03:00Z, 3 missed$/);
    const [missed] = await sessions();
    assert.partialDeepStrictEqual(missed, {
      ...{ id: '20261127t030000z', phase: 'Missed', volumes: [] },
      slots: { count: 3, last: '2026-11-29T03:00:00Z' },
    });
    const { results } = await box.run('list-sessions', { of: 'volumes', limit: 3 });
    assert.match(
      String(results['sessions']),
      /Missed +schedule .* 3 slots +- +It could not be begun/,
    );
    at('2026-11-30T03:00:10Z');
    await ringAlarm(box, 'volumes-schedule');
    await ended();
    await box.hook('update-status');
    assert.doesNotMatch(status().message, /missed/);
  });

  it('skips a time for which another unit was at work on volumes, and says so', async () => {
    at('2026-12-01T02:59:50Z');
    const nonce = '0b5c8d3e-8d5c-4a38-9c5e-2f4f64b1a7c1';
    const lock = `${box.prefix}/volumes/locks/${nonce}.json`;
    const { contents } = box.stores.target;
    const claim = { modelUuid: 'x', unit: 'ckf-backup/1', host: 'another', state: 'held', nonce };
    contents.put('ckf-backups', { key: lock, content: JSON.stringify(claim) });
    await ringAlarm(box, 'volumes-schedule');
    await ended();
    contents.remove('ckf-backups', lock);
    const { status: how, message } = box.model.task(tasks().at(-1)?.id ?? '');
    assert.equal(how, 'failed');
    assert.match(message, /\[backup-running\]$/);
    await box.hook('update-status');
    assert.match(status().message, /^Backup of volumes of 2026-12-01T03:00:00Z waits for another/);
    at('2026-12-01T09:01:00Z');
    await box.hook('update-status');
    assert.doesNotMatch(status().message, /waits|scheduled-backup-failed/);
    const [session] = await sessions();
    assert.partialDeepStrictEqual(session, {
      ...{ id: '20261201t030000z', phase: 'Skipped', slot: '2026-12-01T03:00:00Z' },
      reason: 'Another operation was at work until the start deadline was over.',
    });
  });

  it('pauses, and starts nothing at once when it goes on', async () => {
    const before = tasks().length;
    await box.configure({ 'volumes-paused': true });
    assert.equal(alarm(), undefined);
    assert.match(status().message, /, volumes paused$/);
    at('2026-12-05T12:00:00Z');
    await box.hook('update-status');
    await box.configure({ 'volumes-paused': false });
    assert.equal(tasks().length, before);
    assert.equal(alarm(), '2026-12-06T03:00:00.000Z');
  });

  it('is blocked by what is wrong with it, and says the option', async () => {
    await box.configure({ 'volumes-schedule': '61 2 * * *' });
    assert.equal(status().status, 'blocked');
    assert.match(
      status().message,
      /^volumes-schedule: Invalid value for minute: 61 \[option-invalid\]: juju config ckf-backup volumes-schedule=/,
    );
    await box.configure({ 'volumes-schedule': '0 3 * * *', 'volumes-key': undefined });
    assert.equal(status().status, 'blocked');
    assert.match(status().message, /\[volumes-off\]/);
    assert.ok(!status().message.includes(volumesKey));
    await box.configure({ 'volumes-schedule': '' });
    assert.equal(status().status, 'active', status().message);
    assert.equal(alarm(), undefined);
  });
});
