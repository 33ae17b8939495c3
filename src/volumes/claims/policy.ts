import type { VolumePattern } from '../../config/volumes.ts';
import type { ClusterObject } from '../../world.ts';
import type { Claim, ClaimUser } from './claims.ts';
import { type UseRules, canBeStopped, isIdle } from './notebooks.ts';

/** Why a volume is not backed up. */
export type SkipReason =
  | 'excluded'
  | 'paused'
  | 'temporary'
  | 'not-bound'
  | 'block-mode'
  | 'deleting'
  | 'in-use-rwop'
  | 'in-use'
  | 'in-use-busy'
  | 'in-use-other';

/** What an operator reads of it. */
export const skipTexts: Readonly<Record<SkipReason, string>> = {
  excluded: 'not among the option volumes',
  paused: 'paused by the annotation ckf-backup/paused',
  temporary: 'belongs to a workflow, an experiment or a job',
  'not-bound': 'no volume is bound to the claim yet',
  'block-mode': 'a block device, which has no files',
  deleting: 'the claim is being deleted',
  'in-use-rwop':
    'ReadWriteOncePod, and a pod uses it: stop that pod first, or set volumes-in-use=stop',
  'in-use': 'a pod uses it (volumes-in-use=skip)',
  'in-use-busy': 'somebody works in its notebook, or nobody knows (volumes-in-use=idle)',
  'in-use-other':
    'a pod uses it that is no notebook and could not be started again (volumes-in-use=stop)',
};

/** The same of one volume, with the pod that uses it. Undefined when it is backed up. */
export const skipText = ({
  skip,
  user,
}: {
  readonly skip: SkipReason | undefined;
  readonly user: Pick<ClaimUser, 'pod'> | undefined;
}): string | undefined =>
  skip && user && skip.startsWith('in-use')
    ? `${skipTexts[skip]}; the pod is ${user.pod}`
    : skip && skipTexts[skip];

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
  { user, rules = alwaysLive, isNamed = false }: Use,
  patterns: readonly VolumePattern[],
): SkipReason | undefined => {
  const unwanted = isNamed ? undefined : unwantedReason(claim, namespace, patterns);
  if (unwanted !== undefined) return unwanted;
  if (claim.deleting) return 'deleting';
  if (claim.phase !== 'Bound') return 'not-bound';
  if (claim.volumeMode === 'Block') return 'block-mode';
  return user && inUseReason(claim, user, rules);
};

/** Why nobody wants a backup of it, who has not named the volume. */
const unwantedReason = (
  claim: Claim,
  namespace: ClusterObject,
  patterns: readonly VolumePattern[],
): SkipReason | undefined => {
  const isMeant = patterns.some(
    (pattern) => matches(pattern.namespace, claim.namespace) && matches(pattern.claim, claim.name),
  );
  if (!isMeant) return 'excluded';
  if (claim.owners.some((kind) => temporaryOwners.includes(kind))) return 'temporary';
  return [claim, namespace].some(({ annotations }) => annotations[pausedAnnotation] === 'true')
    ? 'paused'
    : undefined;
};

/** Who has the volume mounted, and what that means for its backup; `live` when nothing is said. */
interface Use {
  readonly user: ClaimUser | undefined;
  readonly rules?: UseRules;
  /** The volume was asked for by its name, so it is wanted whatever else is said of it. */
  readonly isNamed?: boolean;
}

const alwaysLive: UseRules = { mode: 'live', notebooks: new Map(), now: new Date(0) };

const inUseReason = (claim: Claim, user: ClaimUser, rules: UseRules): SkipReason | undefined => {
  const { mode } = rules;
  if (mode === 'skip') return 'in-use';
  if (mode === 'stop') return canBeStopped(user, rules) ? undefined : 'in-use-other';
  if (mode === 'idle' && !isIdle(user, rules)) return 'in-use-busy';
  return claim.accessModes.includes('ReadWriteOncePod') ? 'in-use-rwop' : undefined;
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
