import type { ApplicationState, StatusState } from './model-state.ts';

/**
 * The first of these that a unit has becomes the application's, as Juju derives it (core/status).
 */
const severity = ['error', 'blocked', 'maintenance', 'waiting', 'active', 'terminated', 'unknown'];

/** What the leader set, or else what Juju derives from the units: `unknown` when there are none. */
export const applicationStatus = ({ status, units }: ApplicationState): StatusState => {
  if (status) return status;
  const [worst] = units
    .map(({ workload }) => workload)
    .sort((one, other) => severity.indexOf(one.status) - severity.indexOf(other.status));
  return worst ?? { status: 'unknown', message: '', since: new Date(0).toISOString() };
};
