import type { VolumePattern } from '../config/volumes.ts';
import type { ClusterObject } from '../world.ts';
import type { Claim, ClaimUser } from './claims.ts';

/** Why a volume is not backed up. */
export type SkipReason =
  'excluded' | 'paused' | 'temporary' | 'not-bound' | 'block-mode' | 'deleting' | 'in-use-rwop';

/** What an operator reads of it. */
export const skipTexts: Readonly<Record<SkipReason, string>> = {
  excluded: 'not among the option volumes',
  paused: 'paused by the annotation ckf-backup/paused',
  temporary: 'belongs to a workflow, an experiment or a job',
  'not-bound': 'no volume is bound to the claim yet',
  'block-mode': 'a block device, which has no files',
  deleting: 'the claim is being deleted',
  'in-use-rwop': 'ReadWriteOncePod, and a pod uses it: stop that pod first',
};

export const pausedAnnotation = 'ckf-backup/paused';
export const excludeAnnotation = 'ckf-backup/exclude';

/** Kinds whose volumes go with them, and hold nothing that a person keeps. */
const temporaryOwners = ['Workflow', 'Trial', 'Experiment', 'Job', 'Pod'];

/** The label of the namespaces of Kubeflow's profiles (kubeflow-profiles). */
const profileLabel = ['app.kubernetes.io/part-of', 'kubeflow-profile'] as const;

/**
 * Whether a namespace can have volumes that are backed up. A pattern with * or ? means profiles
 * only, so that the default never reaches into system namespaces; the model's own is never taken,
 * because what its databases hold belongs to the backup of the control plane.
 */
export const isCoveredNamespace = (
  { name, labels, deleting }: ClusterObject,
  patterns: readonly VolumePattern[],
  model: string,
): boolean =>
  name !== model &&
  !deleting &&
  patterns.some(({ namespace }) =>
    /[*?]/.test(namespace)
      ? labels[profileLabel[0]] === profileLabel[1] && matches(namespace, name)
      : namespace === name,
  );

/** Undefined when the volume is to be backed up. */
export const skipReason = (
  claim: Claim,
  namespace: ClusterObject,
  user: ClaimUser | undefined,
  patterns: readonly VolumePattern[],
): SkipReason | undefined => {
  const isMeant = patterns.some(
    (pattern) => matches(pattern.namespace, claim.namespace) && matches(pattern.claim, claim.name),
  );
  if (!isMeant) return 'excluded';
  if (claim.owners.some((kind) => temporaryOwners.includes(kind))) return 'temporary';
  if ([claim, namespace].some(({ annotations }) => annotations[pausedAnnotation] === 'true'))
    return 'paused';
  if (claim.deleting) return 'deleting';
  if (claim.phase !== 'Bound') return 'not-bound';
  if (claim.volumeMode === 'Block') return 'block-mode';
  if (user !== undefined && claim.accessModes.includes('ReadWriteOncePod')) return 'in-use-rwop';
  return undefined;
};

/** Whether a name matches a pattern with `*` and `?`. */
export const matches = (pattern: string, name: string): boolean =>
  new RegExp(
    `^${pattern
      .replaceAll(/[.+^$(){}|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  ).test(name);

/**
 * What is left out of a claim: what the operator and its user say. An entry that begins with a
 * hyphen could be read as an option by nobody, because each follows `--exclude`.
 */
export const excludesOf = (
  { annotations }: Claim,
  general: readonly string[],
): readonly string[] => [
  'lost+found',
  ...general,
  ...(annotations[excludeAnnotation] ?? '')
    .split(',')
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== ''),
];
