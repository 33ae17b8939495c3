import type { ApplicationStatus, JujuModel } from '../world.ts';

/*
 * Which units leave when an application gets a smaller scale. Until Juju 4.0 those with the highest
 * numbers leave. Since 4.1 those with the lowest do, and a number is not used again (juju/juju,
 * worker caasapplicationprovisioner, 2026-08). Because that is new, from 4.1 on every unit is
 * treated as one that may leave.
 */

type Juju = Pick<JujuModel, 'controllerVersion'>;
type Units = ApplicationStatus['units'];

export const losesLowestUnit = ({ controllerVersion }: Juju): boolean => {
  const [major = 0, minor = 0] = controllerVersion
    .split('.')
    .map((part) => Number.parseInt(part, 10));
  return major > 4 || (major === 4 && minor >= 1);
};

/** The units that may leave when this scale is set; all of them when units are added. */
export const mayLeave = (juju: Juju, { units }: ApplicationStatus, scale: number): Units =>
  units.length > scale && !losesLowestUnit(juju) ? units.slice(scale) : units;

/** The units that stay when this scale is set. */
export const staying = (juju: Juju, { units }: ApplicationStatus, scale: number): Units => {
  if (!losesLowestUnit(juju)) return units.slice(0, scale);
  return scale === 0 ? [] : units.slice(-scale);
};

/**
 * The units that a scale may leave. Since 4.1 that is any of them, as with `mayLeave`; before, they
 * are those that do not leave.
 */
export const mayStay = (juju: Juju, application: ApplicationStatus, scale: number): Units =>
  losesLowestUnit(juju) && scale > 0 ? application.units : staying(juju, application, scale);

/** The unit that stays at every scale above 0; undefined when the application has no units. */
export const lastingUnit = (juju: Juju, application: ApplicationStatus): string | undefined =>
  staying(juju, application, 1)[0]?.name;
