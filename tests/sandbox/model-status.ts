import type { ApplicationState, RelationState, StatusState } from './model-state.ts';

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

/** The applications at the other ends of an application's relations, by its endpoint. */
export const relatedTo = (
  name: string,
  relations: readonly RelationState[],
): Readonly<Record<string, readonly string[]>> => {
  const related: Record<string, string[]> = {};
  for (const { provider, requirer } of relations)
    for (const [ours, theirs] of [
      [provider, requirer],
      [requirer, provider],
    ] as const)
      if (ours.application === name) (related[ours.endpoint] ??= []).push(theirs.application);
  return related;
};
