import { CharmError, orProblem } from '../../../errors.ts';
import { otherUnitsOf } from '../../../operation/applications.ts';
import type { Heartbeat } from '../../../operation/heartbeat.ts';
import type { Lead } from '../../../repository/lead.ts';
import type { HelpProgress } from '../../../repository/lock-claims.ts';
import { aliveOf } from '../../../repository/lock-helper.ts';
import { countText, listText, sum } from '../../../text.ts';
import type { JujuModel, World } from '../../../world.ts';
import type { Bandwidth } from '../bandwidth.ts';
import { helpText } from './help.ts';
import type { SharePlan } from './shard.ts';
import { removePlan, type SharedWork, standingOf } from './shared-work.ts';

/** The operation of the leader whose work is shared. */
export interface SharedOperation {
  readonly world: Pick<World, 'application' | 'clock' | 'progress' | 'unit'>;
  readonly juju: Pick<JujuModel, 'enqueue' | 'status' | 'tasks'>;
  readonly otherUnits: readonly string[];
  readonly heartbeat: Heartbeat;
  /** Fires when the process has to end soon, so that it does not wait for others. */
  readonly terminating: AbortSignal;
  readonly lead: Pick<Lead, 'nonce' | 'helpers'>;
}

/** The units that share work, as the leader knows them. */
export interface Team {
  readonly operation: SharedOperation;
  readonly work: SharedWork;
  /** The units that were asked to help, by the task that asks them. */
  readonly tasks: Map<string, string>;
  /** Whether the plan may be there, so that somebody may work. */
  isOpen: boolean;
}

/** Asks these units to help. The work is done without those that Juju does not ask. */
export const inviteTeam = async (
  { operation: { juju, world }, work, tasks }: Team,
  units: readonly string[],
): Promise<void> => {
  const parameters = { set: work.id, run: work.run, token: work.token };
  const asked: string[] = [];
  for (const unit of units) {
    const task = await orProblem(() => juju.enqueue(unit, 'work', parameters));
    if (task instanceof CharmError) {
      await world.progress.note(`${unit} does not help: ${task.message}`);
      continue;
    }
    tasks.set(task, unit);
    asked.push(unit);
  }
  if (asked.length > 0) await world.progress.note(`Asked ${listText(asked)} to help`);
};

/** Asks the units that came while the work went on, as after `juju scale-application`. */
const inviteNewcomers = async (team: Team, known: Set<string>): Promise<void> => {
  const { world, juju } = team.operation;
  const model = await juju.status();
  const units = otherUnitsOf(world, model.applications.get(world.application));
  await inviteTeam(
    team,
    units.filter((unit) => !known.has(unit)),
  );
  for (const unit of units) known.add(unit);
};

/** Milliseconds between two looks at what the others do, and whether they have ended. */
const glance = 10_000;
const pause = 1000;
/** After so many pauses Juju is asked whether the tasks have ended. */
const looksBeforeJuju = 15;
/** After so many glances Juju is asked whether there are more units. */
const looksBeforeNewcomers = 3;

interface Watched {
  readonly plan: SharePlan;
  /** That of this unit. */
  readonly bandwidth: Pick<Bandwidth, 'shareAmong'>;
  readonly own: () => HelpProgress;
}

/**
 * Knows what each unit has done, asks those that come meanwhile to help, and takes no more of the
 * bandwidth than the share of one of all who work. `describe` is one line about all of them.
 */
export const watchTeam = (
  team: Team,
  { plan, bandwidth, own }: Watched,
): AsyncDisposable & { readonly describe: () => string } => {
  const { operation, work } = team;
  const { lead } = operation;
  const { clock, unit } = operation.world;
  const stop = new AbortController();
  const known = new Set(operation.otherUnits);
  const others = new Map<string, HelpProgress>();
  let done = 0;
  const watch = async (): Promise<void> => {
    for (let look = 1; ; look += 1) {
      await orProblem(async () => {
        const helpers = await lead.helpers();
        for (const { unit: name, progress } of helpers)
          if (progress !== undefined) others.set(name, progress);
        // Those who were asked at the beginning come soon, and count before they are there.
        if (look > 1) bandwidth.shareAmong(1 + aliveOf(helpers).length);
        done = (await standingOf(work)).done.size;
      });
      if (look % looksBeforeNewcomers === 0) await orProblem(() => inviteNewcomers(team, known));
      try {
        await clock.sleep(glance, stop.signal);
      } catch {
        return;
      }
    }
  };
  const watching = watch();
  const buckets = [...new Set(plan.shards.map(({ bucket }) => bucket))];
  return {
    describe: () => {
      const units = [[unit, own()] as const, ...others];
      const all = units.map(([, progress]) => progress);
      const total = {
        objects: sum(all.map(({ objects }) => objects)),
        bytes: sum(all.map(({ bytes }) => bytes)),
      };
      const each = units.map(([name, progress]) => `${name} ${helpText(progress)}`);
      return `${buckets.length === 1 ? 'bucket' : 'buckets'} ${buckets.join(', ')}: ${helpText(total)}, ${done} of ${countText(plan.shards.length, 'shard')} done; ${each.join('; ')}`;
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await watching;
    },
  };
};

/**
 * Ends the work of the other units, and waits until none of them writes any more: their claims are
 * gone, or expired, or Juju says that their tasks have ended. A process that is asked to stop does
 * not wait. Rejects with `backup-running` when the leader's own claim is gone.
 */
export const endTeam = async (team: Team): Promise<void> => {
  const { operation, work, tasks } = team;
  const { world, heartbeat, terminating, juju, lead } = operation;
  if (!team.isOpen) return;
  await removePlan(work);
  let waiting: readonly string[] = [];
  await heartbeat.during(
    () => (waiting.length > 0 ? `waiting until ${listText(waiting)} stopped helping` : ''),
    async () => {
      for (let look = 1; !terminating.aborted; look += 1) {
        const live = (await lead.helpers()).filter(({ isLive }) => isLive).map(({ unit }) => unit);
        const ended = look % looksBeforeJuju === 0 ? await endedUnits() : new Set<string>();
        waiting = live.filter((unit) => !ended.has(unit));
        if (waiting.length === 0) break;
        await world.clock.sleep(pause, terminating);
      }
    },
  );
  team.isOpen = false;

  async function endedUnits(): Promise<ReadonlySet<string>> {
    const known = await orProblem(() => juju.tasks(world.application, ['work']));
    if (known instanceof CharmError) return new Set();
    const ended = known.filter(({ id, completed }) => tasks.has(id) && completed !== undefined);
    return new Set(ended.map(({ unit }) => unit));
  }
};
