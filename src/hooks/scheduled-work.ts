import { secondText } from '../text.ts';
import type { Config, ScheduleConfig } from '../config/config.ts';
import type { BegunRun, Decision } from '../schedule/decision.ts';
import type { Facts } from '../schedule/start.ts';
import type { Unrecorded } from '../volumes/records/unused-slots.ts';
import type { JujuModel, World } from '../world.ts';

/**
 * What a schedule starts. Each has a timer, a memory and records of its own, so that none waits for
 * the other, and a change of one leaves the other as it is.
 */
export interface ScheduledWork {
  /** Has the cron expression. The alarm and what is remembered have the same name. */
  readonly option: 'schedule' | 'volumes-schedule';
  /** As the log calls a run. */
  readonly noun: string;
  readonly action: 'backup-control-plane' | 'backup-volumes';
  /** See `DeadlineRules`. */
  readonly hasDeadline: boolean;
  readonly configOf: (config: Config) => ScheduleConfig | undefined;
  readonly parameters: (run: BegunRun) => Readonly<Record<string, unknown>>;
  see(world: World, juju: JujuModel, application: string): Promise<Facts>;
  /** Keeps records of what a decision found out. Returns those that have to be tried again. */
  record(
    world: World,
    decision: Decision,
    unsent: readonly Unrecorded[],
  ): Promise<readonly Unrecorded[]>;
}

export const controlPlane: ScheduledWork = {
  option: 'schedule',
  noun: 'backup',
  action: 'backup-control-plane',
  hasDeadline: true,
  configOf: ({ schedule }) => schedule,
  parameters: ({ slot, attempt, allowRunning }) => ({
    ...{ slot: secondText(slot), attempt, 'allow-running': allowRunning },
  }),
  see: async (world, juju, application) =>
    (await import('./schedule-facts.ts')).seeFacts(world, juju, application),
  record: async (world, decision) => {
    const { recordDecision } = await import('./schedule-records.ts');
    for (const session of await recordDecision(world, decision, world.clock.now()))
      await (await import('../notify/tell.ts')).tellOfSession(world, session);
    return [];
  },
};

export const volumes: ScheduledWork = {
  option: 'volumes-schedule',
  noun: 'backup of volumes',
  action: 'backup-volumes',
  // Each volume has a deadline, and there may be any number of them.
  hasDeadline: false,
  configOf: ({ volumesSchedule }) => volumesSchedule,
  parameters: ({ slot, attempt }) => ({ slot: secondText(slot), attempt }),
  see: async (_world, juju, application) =>
    (await import('./schedule-facts.ts')).seeVolumeTasks(juju, application),
  record: async (world, decision, unsent) =>
    (await import('./volume-schedule-records.ts')).recordVolumeDecision(world, decision, unsent),
};
