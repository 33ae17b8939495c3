import { applicationOf, type ModelCore } from './model-core.ts';
import type { UnitState } from './model-state.ts';

/**
 * One hook of a unit that is well. Real charms say in most of their hooks that they are in
 * maintenance, for seconds; in `update-status` Juju does not show that the agent is executing.
 */
export const runHook = async (core: ModelCore, unit: UnitState, hook: string): Promise<void> => {
  const { name } = unit;
  const isGone = () => core.findUnit(name) !== unit || unit.life !== 'alive';
  await core.until(() => isGone() || (unit.agent.status === 'idle' && !core.inHook.has(name)));
  if (isGone()) return;
  core.inHook.add(name);
  try {
    const { workload } = unit;
    const says = core.behaviours.get(applicationOf(name))?.saysInHooks;
    const speaks = says !== undefined && workload.status === 'active';
    if (speaks) unit.workload = core.status('maintenance', says);
    const during = unit.workload;
    const shows = hook !== 'update-status';
    if (shows) unit.agent = core.status('executing', `running ${hook} hook`);
    core.changed();
    await core.step();
    await core.step();
    // Whatever else was set meanwhile stays.
    if (speaks && unit.workload === during) unit.workload = workload;
    if (shows && unit.agent.status === 'executing') unit.agent = core.status('idle');
  } finally {
    core.inHook.delete(name);
    core.changed();
  }
};

/**
 * `update-status` again and again, until the unit has gone. Units of different numbers do not have
 * it at the same time.
 */
export const runUpdateStatus = async (core: ModelCore, unit: UnitState): Promise<void> => {
  const every = core.updateStatusEvery;
  if (every === 0) return;
  for (let wait = every * (1 + (unit.number % 3) / 3); ; wait = every) {
    await core.pass(wait);
    if (core.findUnit(unit.name) !== unit) return;
    await runHook(core, unit, 'update-status');
  }
};
