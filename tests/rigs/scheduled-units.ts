import { listSessions } from '../../src/actions/list-sessions.ts';
import { CharmError } from '../../src/errors.ts';
import { reconcile } from '../../src/hooks/reconcile.ts';
import type { Unit } from '../../src/hooks/unit.ts';
import { backupIdAt } from '../../src/repository/layout.ts';
import { recordRun } from '../../src/sessions/record-run.ts';
import type { Session } from '../../src/sessions/session.ts';
import type { JujuModel, Kubernetes, Task, World } from '../../src/world.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { FakeProgress } from '../fakes/progress.ts';
import { aConfig } from './config.ts';
import { aManifest } from './manifest.ts';
import { targetIn } from './target.ts';
import { unitRig } from './unit.ts';

type TaskOnStage = { -readonly [K in keyof Task]: Task[K] };

/** How a run ends: well, with this error, or by a blow of which it cannot tell. */
export type RunEnd = 'succeeded' | CharmError | 'killed' | 'cancelled' | 'forgotten';

const peers = 'ckf-backup-peers:1';

/**
 * Units with a schedule, in memory: the real hooks, the real records of runs, and one controller,
 * S3 and databag between units for all of them. Time stands still until `at` is changed.
 */
export const scheduledUnits = (options: Readonly<Record<string, unknown>>, start: string) => {
  const state = {
    at: new Date(start),
    options: { schedule: '0 2 * * *', ...options } as Record<string, unknown>,
    /** Set while it is away. */
    juju: undefined as CharmError | undefined,
    s3: undefined as CharmError | undefined,
    busy: false,
    alarm: undefined as Date | undefined,
  };
  const shared: Record<string, string> = {};
  const tasks: TaskOnStage[] = [];
  const store = new FakeObjectStore({
    description: 'bucket backups at http://s3.test',
    now: () => state.at,
  });
  const openJuju = async (): Promise<JujuModel> => {
    if (state.juju) throw state.juju;
    const juju: Partial<JujuModel> = {
      ...{ user: 'backup', access: 'write' },
      tasks: async (_application, actions) =>
        structuredClone(tasks.filter(({ action }) => actions.includes(action))),
      enqueue: async (unit, action, parameters) => {
        const id = String(tasks.length + 1);
        tasks.push({
          ...{ id, unit, action, parameters, status: 'pending', enqueued: state.at },
          ...{ started: undefined, completed: undefined, results: {} },
        });
        return id;
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    return juju as JujuModel;
  };
  const openKubernetes = async (): Promise<Kubernetes> => {
    const kubernetes: Partial<Kubernetes> = {
      async *list({ plural }) {
        if (!state.busy || plural !== 'workflows') return;
        yield {
          ...{ name: 'train', namespace: 'alice', labels: {}, annotations: {}, spec: {} },
          status: { phase: 'Running' },
        };
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    return kubernetes as Kubernetes;
  };
  const addUnit = (number: number) => {
    const { tools, journal, unit: base } = unitRig();
    const name = `ckf-backup/${number}`;
    tools.leader = number === 0;
    tools.relations.set(peers, { application: 'ckf-backup', remote: {}, ours: shared });
    tools.setAlarm = async (_label, at) => {
      state.alarm = at;
    };
    const worldOf = (task?: string): World => {
      const world: Partial<World> = {
        ...{ application: 'ckf-backup', unit: name, journal, task, openJuju, openKubernetes },
        ...{ model: { name: 'kubeflow', uuid: base.modelUuid }, progress: new FakeProgress() },
        clock: { now: () => state.at, sleep: async () => undefined },
        openTarget: async () => {
          if (state.s3) throw state.s3;
          return targetIn(store);
        },
        openNotifier: async () => undefined,
      };
      return world as World;
    };
    const unit: Unit = {
      ...{ ...base, unitName: name, now: () => state.at },
      openWorld: async () => worldOf(),
    };
    return {
      ...{ name, tools, journal },
      /** Runs a hook. Of one that crashes Juju commits nothing; what it enqueued stays. */
      hook: async (hook: string, { crash = false } = {}) => {
        tools.options = { 'juju-credentials': 'secret:d3n8r2e5kg0c73fhvb10', ...state.options };
        const [databag, alarm] = [{ ...shared }, state.alarm];
        await reconcile(unit, { kind: 'hook', name: hook, relationId: undefined });
        if (!crash) return;
        for (const key of Object.keys(shared)) Reflect.deleteProperty(shared, key);
        Object.assign(shared, databag);
        state.alarm = alarm;
      },
      /** Begins the run of a task of this unit; what it returns ends it. */
      begin: async (task: TaskOnStage) => beginRun(state, worldOf(task.id), task),
      /** As list-sessions shows them. */
      sessions: async (limit = 200): Promise<readonly Session[]> => {
        const { sessions } = await listSessions(worldOf(), aConfig(), { format: 'json', limit });
        return JSON.parse(sessions ?? '') as readonly Session[];
      },
    };
  };
  return Object.assign(state, { store, tasks, units: [addUnit(0), addUnit(1)] as const });
};

const beginRun = async (
  state: { readonly at: Date; readonly busy: boolean },
  world: World,
  task: TaskOnStage,
): Promise<(end: RunEnd) => Promise<void>> => {
  Object.assign(task, { status: 'running', started: state.at });
  const { slot, attempt } = task.parameters;
  const begun = Promise.withResolvers<undefined>();
  const work = Promise.withResolvers<{ readonly manifest: ReturnType<typeof aManifest> }>();
  const id = backupIdAt(state.at);
  const started = state.at.toISOString();
  const run = recordRun(world, { slot: new Date(String(slot)), attempt: Number(attempt) }, () => {
    begun.resolve(undefined);
    return work.promise;
  }).then(
    () => undefined,
    () => undefined,
  );
  await begun.promise;
  const foundBusy = state.busy && task.parameters['allow-running'] !== true;
  return async (wanted) => {
    const end = foundBusy ? new CharmError('workloads-running', 'A pipeline runs.') : wanted;
    const ended = { completed: state.at };
    if (end === 'succeeded') {
      const finished = state.at.toISOString();
      work.resolve({ manifest: aManifest({ id, started, finished }) });
      await run;
      Object.assign(task, { ...ended, status: 'completed' });
    } else if (end instanceof CharmError) {
      work.reject(end);
      await run;
      Object.assign(task, { ...ended, status: 'failed', results: { 'error-code': end.code } });
    } else if (end === 'cancelled') Object.assign(task, { ...ended, status: 'aborted' });
    // Of what Juju has forgotten nobody learns that it was a backup.
    else if (end === 'forgotten') Object.assign(task, { ...ended, action: 'forgotten' });
    else Object.assign(task, { ...ended, status: 'failed' });
  };
};
