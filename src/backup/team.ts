import {
  removePlan,
  type SharedWork,
  standingOf,
} from '../components/buckets/shards/shared-work.ts';
import type { SharePlan } from '../components/buckets/shards/shard.ts';
import { CharmError, orProblem } from '../errors.ts';
import type { HelpProgress } from '../repository/lock-claims.ts';
import type { Lock } from '../repository/lock.ts';
import { countText, listText, sum } from '../text.ts';
import type { Backup } from './begin-backup.ts';
import { progressText } from './help-copy.ts';

/** The units that share a copy, as the leader knows them. */
export interface Team {
  readonly backup: Backup;
  readonly work: SharedWork;
  readonly lock: Pick<Lock, 'nonce' | 'helpers'>;
  /** The units that were asked to help, by the task that asks them. */
  readonly tasks: Map<string, string>;
  /** Whether the plan may be there, so that somebody may work. */
  isOpen: boolean;
}

/** Asks each other unit to help. The copy is made without those that Juju does not ask. */
export const inviteTeam = async ({ backup, work, tasks }: Team): Promise<void> => {
  const { ready, world } = backup;
  const parameters = { set: work.id, token: work.token };
  for (const unit of ready.otherUnits) {
    const task = await orProblem(() => ready.juju.enqueue(unit, 'work', parameters));
    if (task instanceof CharmError)
      await world.progress.note(`${unit} does not help with the copy: ${task.message}`);
    else tasks.set(task, unit);
  }
  if (tasks.size > 0)
    await world.progress.note(`Asked ${listText([...tasks.values()])} to help with the copy`);
};

/** Milliseconds between two looks at what the others do, and whether they have ended. */
const glance = 10_000;
const pause = 1000;
/** After so many looks Juju is asked whether the tasks have ended. */
const looksBeforeJuju = 15;

/** Knows what each unit has done; `describe` is one line about all of them. */
export const watchTeam = (
  { backup, work, lock }: Team,
  plan: SharePlan,
  own: () => HelpProgress,
): AsyncDisposable & { readonly describe: () => string } => {
  const { clock, unit } = backup.world;
  const stop = new AbortController();
  const others = new Map<string, HelpProgress>();
  let done = 0;
  const watch = async (): Promise<void> => {
    for (;;) {
      await orProblem(async () => {
        for (const { unit: name, progress } of await lock.helpers())
          if (progress !== undefined) others.set(name, progress);
        done = (await standingOf(work)).done.size;
      });
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
      const each = units.map(([name, progress]) => `${name} ${progressText(progress)}`);
      return `${buckets.length === 1 ? 'bucket' : 'buckets'} ${buckets.join(', ')}: ${progressText(total)}, ${done} of ${countText(plan.shards.length, 'shard')} done; ${each.join('; ')}`;
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
 * not wait.
 */
export const endTeam = async (team: Team): Promise<void> => {
  const { backup, work, lock, tasks } = team;
  const { world, heartbeat, terminating, ready } = backup;
  if (!team.isOpen) return;
  await removePlan(work);
  let waiting: readonly string[] = [];
  await heartbeat.during(
    () => (waiting.length > 0 ? `waiting until ${listText(waiting)} stopped helping` : ''),
    async () => {
      for (let look = 1; !terminating.aborted; look += 1) {
        const live = (await lock.helpers()).filter(({ isLive }) => isLive).map(({ unit }) => unit);
        const ended = look % looksBeforeJuju === 0 ? await endedUnits() : new Set<string>();
        waiting = live.filter((unit) => !ended.has(unit));
        if (waiting.length === 0) break;
        await world.clock.sleep(pause, terminating);
      }
    },
  );
  team.isOpen = false;

  async function endedUnits(): Promise<ReadonlySet<string>> {
    const known = await orProblem(() => ready.juju.tasks(world.application, ['work']));
    if (known instanceof CharmError) return new Set();
    const ended = known.filter(({ id, completed }) => tasks.has(id) && completed !== undefined);
    return new Set(ended.map(({ unit }) => unit));
  }
};
