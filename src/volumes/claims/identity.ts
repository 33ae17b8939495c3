import { type Fields, fieldsOf } from '../../ports/fields.ts';

/** As whom a pod writes to its volumes. */
export interface PodIdentity {
  readonly uid: number;
  readonly gid: number;
  /** That its files may belong to; undefined when it has no such group. */
  readonly group: number | undefined;
}

/** The user and group of Kubeflow's notebook images, and of a volume that nobody uses now. */
export const notebookUser: PodIdentity = { uid: 1000, gid: 100, group: 100 };

/**
 * As whom the first container of a pod runs, as far as its specification says so; what only its
 * image says counts as Kubeflow's notebooks. Never root, which `restricted` does not let in.
 */
export const identityOf = (spec: Fields): PodIdentity => {
  const pod = fieldsOf(spec['securityContext']);
  const { containers } = spec;
  const first = Array.isArray(containers) ? fieldsOf(containers[0]) : {};
  const own = fieldsOf(first['securityContext']);
  const group = numberOf(pod['fsGroup']);
  return {
    uid: numberOf(own['runAsUser']) ?? numberOf(pod['runAsUser']) ?? notebookUser.uid,
    gid: numberOf(own['runAsGroup']) ?? numberOf(pod['runAsGroup']) ?? group ?? notebookUser.gid,
    group,
  };
};

/** Undefined for 0, too. */
const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && value > 0 ? value : undefined;
