import { newUnit } from './model-application.ts';
import type { ModelCore } from './model-core.ts';
import { runHook, runUpdateStatus } from './model-hooks.ts';
import type { ApplicationState, UnitState } from './model-state.ts';
import { isOver } from './model-state.ts';
import { runTasks } from './model-tasks.ts';

const installing = 'installing charm software';

/**
 * Follows the application's scale for as long as the model runs: missing units come up side by
 * side, and too many leave one after the other, the highest number first, or since Juju 4.1 the
 * lowest.
 */
export const followScale = async (
  core: ModelCore,
  application: ApplicationState,
): Promise<void> => {
  const arrivals = new Map<UnitState, AbortController>();
  const arrive = (unit: UnitState) => {
    const leaving = new AbortController();
    arrivals.set(unit, leaving);
    whileRunning(core, runTasks(core, unit));
    whileRunning(core, runUpdateStatus(core, unit));
    whileRunning(core, bringUp(core, application, unit, leaving.signal));
  };
  for (const unit of application.units) arrive(unit);
  for (;;) {
    await core.until(() => missing(application) || application.units.length > application.scale);
    if (missing(application)) {
      arrive(addUnit(core, application));
      core.changed();
      continue;
    }
    const leaver = application.units.at(core.release.removesLowestUnit ? 0 : -1)!;
    await takeDown(core, application, leaver, arrivals.get(leaver));
    arrivals.delete(leaver);
  }
};

/**
 * Nobody waits for this: it ends when the model stops or the unit leaves. Any other failure is a
 * mistake of the test.
 */
export const whileRunning = (core: ModelCore, work: Promise<void>): void => {
  work.catch((error: unknown) => {
    if (core.stopped.aborted) return;
    throw error;
  });
};

const missing = ({ units, scale, scheduling }: ApplicationState) =>
  units.length < scale && scheduling !== 'absent';

const addUnit = (core: ModelCore, application: ApplicationState): UnitState => {
  const { units, name } = application;
  const number = core.release.removesLowestUnit ? application.nextUnit++ : units.length;
  const unit = newUnit(core, name, number, units.length === 0);
  units.push(unit);
  return unit;
};

const bringUp = async (
  core: ModelCore,
  application: ApplicationState,
  unit: UnitState,
  leaving: AbortSignal,
): Promise<void> => {
  if (unit.agent.status === 'idle') return;
  const behaviour = core.behaviours.get(application.name);
  try {
    await core.step(leaving);
    await core.until(() => application.scheduling === 'normal', leaving);
    unit.agent = core.status('executing', 'running install hook');
    unit.workload = core.status('maintenance', installing);
    core.changed();
    await core.step(leaving);
    await behaviour?.onUnitAdded?.(unit.name, leaving);
    leaving.throwIfAborted();
    if (unit.workload.message === installing) unit.workload = core.status('active');
    unit.agent = core.status('idle');
    core.changed();
    if (core.release.installsBeforeStorage) await runHook(core, unit, 'storage-attached');
    await behaviour?.onUnitReady?.(unit.name, leaving);
  } catch {
    if (leaving.aborted || core.stopped.aborted) return;
    unit.workload = core.status('error', 'hook failed: "install"');
    unit.agent = core.status('idle');
  }
  core.changed();
};

/** A unit leaves when its task has ended, and never while a hook of it is in error. */
const takeDown = async (
  core: ModelCore,
  application: ApplicationState,
  unit: UnitState,
  leaving: AbortController | undefined,
): Promise<void> => {
  const wasThere = unit.agent.status !== 'allocating';
  unit.life = 'dying';
  leaving?.abort(new Error(`${unit.name} leaves`));
  core.changed();
  const mine = core.state.tasks.filter(
    (task) => task.unit === unit.name && !core.lostTasks.has(task.id),
  );
  await core.until(
    () =>
      unit.workload.status !== 'error' &&
      !core.inHook.has(unit.name) &&
      mine.every((task) => isOver(task) || task.status === 'pending'),
  );
  if (wasThere) {
    unit.agent = core.status('executing', 'running stop hook');
    core.changed();
    await core.step();
    await core.behaviours.get(application.name)?.onUnitRemoved?.(unit.name);
  }
  for (const task of core.state.tasks)
    if (task.unit === unit.name && task.status === 'pending') {
      task.status = 'cancelled';
      task.message = 'unit gone';
      task.completed = core.now();
    }
  application.units = application.units.filter((other) => other !== unit);
  if (unit.leader && application.units[0]) application.units[0].leader = true;
  core.changed();
};
