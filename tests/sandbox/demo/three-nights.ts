import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Session } from '../../../src/sessions/session.ts';
import { type Box, startBox } from '../box.ts';
import { ringAlarm } from '../box/alarm.ts';
import { type VirtualClock, startVirtualClock } from '../virtual-clock.ts';
import { type Check, runChecks } from './checks.ts';
import { columns, fit } from './fit.ts';
import { terminalPicture } from './terminal-picture.ts';

const picture = join(import.meta.dirname, '../../../docs/images/three-nights.svg');

/** Three nights of a schedule on a box of their own, whose clock jumps from hook to hook. */
interface Nights {
  readonly box: Box;
  readonly clock: VirtualClock;
  readonly say: (line: string) => void;
}

/**
 * Shows what the schedule does in a quiet night, in a busy one, and in one in which Juju's timer
 * was lost and the controller is away. Prints the status after each hook, in lines of 80 columns,
 * and lists the sessions at the end. When every slot got its backup, which is what it resolves to,
 * what was printed becomes the picture of the documentation.
 */
export const showThreeNights = async (print: (line: string) => void): Promise<boolean> => {
  const lines: string[] = [];
  const say = (text: string): void => {
    lines.push(...text.split('\n'));
    print(text);
  };
  const directory = mkdtempSync(join(tmpdir(), 'nights-'));
  try {
    using clock = startVirtualClock(join(directory, 'clock'), new Date('2026-11-25T20:00:00Z'));
    await using box = await startBox({
      ...{ directory: join(directory, 'box'), small: true, pace: 20 },
      environment: clock.environment,
    });
    const nights: Nights = { box, clock, say };
    const scales = box.scales();
    say("$ juju config ckf-backup schedule='0 2 * * *'");
    await box.configure({ schedule: '0 2 * * *' });
    show(nights, 'config-changed');
    await quietNight(nights);
    await busyNight(nights);
    await lonelyNight(nights);
    say('\n$ juju run ckf-backup/leader list-sessions');
    const { results } = await box.run('list-sessions', {});
    say(fit(String(results['sessions'])));
    say('');
    const isRight = await runChecks(proofs(nights, scales), print);
    if (isRight) writeFileSync(picture, terminalPicture(lines.slice(0, -1), columns));
    return isRight;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

const quietNight = async (nights: Nights): Promise<void> => {
  nights.say('\nThe first night: the timer rings half a minute early');
  await ring(nights, '2026-11-26T01:59:30Z');
  await untilBackupEnds(nights);
  await hook(nights, '2026-11-26T02:05:00Z');
};

const busyNight = async (nights: Nights): Promise<void> => {
  const workflows = 'argoproj.io/v1alpha1/workflows';
  nights.say('\nThe second night: a pipeline of alice runs until a quarter past two');
  nights.box.kubernetes.setResources(workflows, [
    { metadata: { name: 'train', namespace: 'alice' }, status: { phase: 'Running' } },
  ]);
  await ring(nights, '2026-11-27T02:00:00Z');
  await ring(nights, '2026-11-27T02:05:00Z');
  nights.box.kubernetes.setResources(workflows, []);
  await ring(nights, '2026-11-27T02:15:00Z');
  await untilBackupEnds(nights);
  await hook(nights, '2026-11-27T02:20:00Z');
};

const lonelyNight = async (nights: Nights): Promise<void> => {
  nights.say('\nThe third night: the timer is lost, and the controller away until three');
  await nights.box.controller.stop();
  await hook(nights, '2026-11-28T02:03:00Z');
  await nights.box.controller.start();
  await hook(nights, '2026-11-28T03:03:00Z');
  await untilBackupEnds(nights);
  await hook(nights, '2026-11-28T03:08:00Z');
};

const ring = async (nights: Nights, time: string): Promise<void> => {
  nights.clock.set(new Date(time));
  await ringAlarm(nights.box, 'schedule');
  show(nights, 'secret-expired');
};

const hook = async (nights: Nights, time: string): Promise<void> => {
  nights.clock.set(new Date(time));
  await nights.box.hook('update-status');
  show(nights, 'update-status');
};

const untilBackupEnds = async (nights: Nights): Promise<void> => {
  const { box } = nights;
  const task = backups(box).at(-1);
  if (task === undefined) throw new Error('no backup was enqueued');
  const slot = String(task.parameters['slot']);
  sayOf(nights, 'backup-control-plane', `task ${task.id} for ${slot}`);
  await box.model.ended(task.id);
  box.unit.showStatus();
  await box.settle();
  show(nights, `  ${box.model.task(task.id).status}`);
};

const backups = ({ model }: Box) =>
  model.state.tasks.filter(({ action }) => action === 'backup-control-plane');

const show = (nights: Nights, what: string): void => {
  const { status, message } = nights.box.unit.agent.state.unitStatus;
  sayOf(nights, what, `${status}: ${message.split(' | ')[0] ?? ''}`);
};

const sayOf = ({ clock, say }: Nights, what: string, text: string): void => {
  say(fit(`${clock.now().toISOString().slice(11, 16)}  ${what.padEnd(20)}  ${text}`));
};

const proofs = (
  { box }: Nights,
  scalesBefore: Readonly<Record<string, number>>,
): readonly Check[] => [
  {
    claim: 'each night has one session, which succeeded',
    prove: async () => {
      const { results } = await box.run('list-sessions', { format: 'json' });
      const sessions = JSON.parse(String(results['sessions'])) as readonly Session[];
      assert.deepEqual(
        sessions.map(({ id, phase }) => `${id} ${phase}`),
        ['28', '27', '26'].map((day) => `2026-11-${day}T02:00:00Z Succeeded`),
      );
      return String(sessions.length);
    },
  },
  {
    claim: 'every scale is as before',
    prove: () => {
      assert.deepEqual(box.scales(), scalesBefore);
      return `${Object.keys(scalesBefore).length} applications`;
    },
  },
];
