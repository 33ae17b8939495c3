import type { ApplicationStatus, JujuModel } from '../world.ts';

/*
 * Which units go when an application gets a smaller scale. Until Juju 4.0 the highest numbers
 * leave; since 4.1 the lowest do, and a number is not used again (juju/juju, worker
 * caasapplicationprovisioner, 2026-08). That is new, so whatever must not meet a leaving unit
 * counts with any of them there.
 */

type Juju = Pick<JujuModel, 'controllerVersion'>;
type Units = ApplicationStatus['units'];

export const losesLowestUnit = ({ controllerVersion }: Juju): boolean => {
  const [major = 0, minor = 0] = controllerVersion
    .split('.')
    .map((part) => Number.parseInt(part, 10));
  return major > 4 || (major === 4 && minor >= 1);
};

/** The units that may be taken away by a scale; all of them when units are added. */
export const mayLeave = (juju: Juju, { units }: ApplicationStatus, scale: number): Units =>
  units.length > scale && !losesLowestUnit(juju) ? units.slice(scale) : units;

/** The units that a scale leaves. */
export const staying = (juju: Juju, { units }: ApplicationStatus, scale: number): Units => {
  if (!losesLowestUnit(juju)) return units.slice(0, scale);
  return scale === 0 ? [] : units.slice(-scale);
};

/** The unit that is there at every scale above 0; undefined when there is none. */
export const lastingUnit = (juju: Juju, application: ApplicationStatus): string | undefined =>
  staying(juju, application, 1)[0]?.name;
