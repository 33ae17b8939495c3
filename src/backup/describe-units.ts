import type { ApplicationStatus } from '../world.ts';

/** The units that are not active and idle, with what they say; or how many there are of those that were wanted. */
export const describeUnits = ({ units }: ApplicationStatus, wanted: number): string => {
  const unwell = units
    .filter(({ workload, agent }) => workload.status !== 'active' || agent.status !== 'idle')
    .map(
      ({ name, workload, agent }) =>
        `${name} is ${workload.status} (${workload.message || agent.message || agent.status})`,
    );
  return unwell.length > 0 ? unwell.join(', ') : `it has ${units.length} of ${wanted}`;
};
