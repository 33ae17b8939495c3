import type { CharmError } from '../../src/errors.ts';
import type { Session } from '../../src/sessions/session.ts';
import { listSessions } from '../../src/sessions/stored-sessions.ts';
import type { JujuModel, Task, World } from '../../src/world.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeJournal } from '../fakes/journal.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { FakeProgress } from '../fakes/progress.ts';
import { targetIn } from './target.ts';

export const slot = new Date('2026-11-25T02:00:00Z');

export const recordOf = (id: string): Session => ({
  ...{ format: 1, id, trigger: 'schedule', phase: 'Missed', unit: 'ckf-backup/0' },
  started: id,
});

export const taskOf = (id: string, status: Task['status']): Task => ({
  ...{ id, status, unit: 'ckf-backup/0', action: 'backup-control-plane', parameters: {} },
  ...{ enqueued: slot, started: slot, completed: undefined, results: {} },
});

/**
 * What a run and a hook need to keep records: S3, a journal, and a controller that knows tasks.
 * Each can be away.
 */
export const sessionRig = () => {
  const store = new FakeObjectStore({ description: 'bucket backups at http://s3.test' });
  const journal = new FakeJournal();
  const progress = new FakeProgress();
  const clock = new FakeClock('2026-11-25T02:00:03Z');
  const rig = {
    ...{ store, journal, progress, clock },
    away: undefined as CharmError | undefined,
    /** Undefined while the controller is away. */
    tasks: [] as Task[] | CharmError,
  };
  const openJuju = async () => {
    const { tasks } = rig;
    if (!Array.isArray(tasks)) throw tasks;
    const juju: Partial<JujuModel> = {
      tasks: async () => tasks,
      [Symbol.asyncDispose]: async () => undefined,
    };
    return juju as JujuModel;
  };
  const world = {
    ...{ journal, progress, clock, openJuju },
    ...{ application: 'ckf-backup', unit: 'ckf-backup/0', task: '7' },
    openTarget: async () => {
      if (rig.away) throw rig.away;
      return targetIn(store);
    },
  } as Partial<World> as World;
  return Object.assign(rig, {
    world,
    stored: async () => (await listSessions(targetIn(store), { limit: 500 })).sessions,
  });
};
