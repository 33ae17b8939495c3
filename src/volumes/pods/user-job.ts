import type { VolumesConfig } from '../../config/volumes.ts';
import type { Manifest } from '../../world.ts';
import type { Claim, ClaimUser } from '../claims/claims.ts';
import { type PodIdentity, notebookUser } from '../claims/identity.ts';
import { objectName, outsideMesh, ownLabels } from '../records/names.ts';
import { goMemoryLimit, resources, restoring, scratch, secretVariable } from './pod-parts.ts';
import { gatewayUrl } from './trusted-pods.ts';

/*
 * This folder says what our pods look like: beside a volume, where nothing is trusted, and in the
 * namespace of the model, where the keys of S3 are.
 *
 * What runs in a user's namespace, where its user can read every Secret and enter every pod. So it
 * knows the password of the user's own repository and of its gateway, and nothing else.
 */

export interface UserJob {
  readonly job: Manifest;
  /** Made after the Job, which owns it: they go together, also when a user deletes the Job. */
  readonly secret: (jobUid: string) => Manifest;
}

export interface JobWish {
  readonly role: 'backup' | 'restore';
  /** The namespace of the charm. */
  readonly model: string;
  readonly session: string;
  readonly claim: Pick<Claim, 'namespace' | 'name' | 'accessModes'>;
  readonly user: ClaimUser | undefined;
  /** As whom to run when that is not root: of who uses the volume, or used it until now. */
  readonly identity: PodIdentity | undefined;
  readonly repository: string;
  readonly command: readonly string[];
  /** Of the gateway's pod. */
  readonly address: string;
  readonly gatewayPassword: string;
  readonly repositoryPassword: string;
  readonly config: VolumesConfig;
  /** The second time a volume has a Job in this session it needs another name. */
  readonly attempt?: number;
}

/** A backup reads everything from a volume that is mounted for reading only. */
const capabilities = { backup: ['DAC_OVERRIDE'], restore: restoring } as const;

/**
 * Root reads and restores everything. As the user of the notebook it needs no capability, so that
 * the pod security `restricted` lets it in; files of others stay unread, and what it restores
 * belongs to that user.
 */
const securityOf = ({ role, config, identity = notebookUser }: JobWish) =>
  config.runAs === 'root'
    ? {
        pod: {},
        container: { runAsUser: 0, capabilities: { drop: ['ALL'], add: capabilities[role] } },
      }
    : {
        pod: {
          ...{ runAsNonRoot: true, runAsUser: identity.uid, runAsGroup: identity.gid },
          ...(identity.group !== undefined && { supplementalGroups: [identity.group] }),
        },
        container: { capabilities: { drop: ['ALL'] } },
      };

/** The exit statuses that trying again in a new pod does not change. */
const finalStatuses = [1, 3, 12];

/**
 * The Job that runs restic beside a volume. It is made suspended, because its Secret can only be
 * owned by a Job that exists: a crash in between leaves nothing that runs.
 */
export const userJob = (wish: JobWish): UserJob => {
  const { role, model, session, claim, user, repository, config, attempt = 1 } = wish;
  const again = attempt === 1 ? [] : [`attempt ${attempt}`];
  const name = objectName(session, role, claim.namespace, claim.name, ...again);
  const { namespace } = claim;
  const security = securityOf(wish);
  const labels = ownLabels(model, session, role);
  const metadata = { namespace, name, labels, annotations: { 'ckf-backup/claim': claim.name } };
  const job: Manifest = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata,
    spec: {
      suspend: true,
      backoffLimit: 2,
      activeDeadlineSeconds: Math.ceil(config.deadline / 1000),
      ttlSecondsAfterFinished: 86_400,
      podFailurePolicy: {
        rules: [
          // An eviction is no failure of the backup.
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          { action: 'FailJob', onExitCodes: { operator: 'In', values: finalStatuses } },
        ],
      },
      template: {
        metadata: { labels: { ...labels, ...outsideMesh } },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          ...placement(claim.accessModes, user),
          // No fsGroup: Kubernetes would change the group of all the user's files.
          securityContext: { ...security.pod, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              name: 'restic',
              image: config.resticImage,
              command: ['restic'],
              args: wish.command,
              workingDir: '/data',
              env: [
                { name: 'RESTIC_REPOSITORY', value: `rest:${gatewayUrl(wish.address)}` },
                { name: 'RESTIC_REST_USERNAME', value: repository },
                secretVariable('RESTIC_REST_PASSWORD', name, 'gateway-password'),
                secretVariable('RESTIC_PASSWORD', name, 'repository-password'),
                { name: 'RESTIC_CACHE_DIR', value: '/cache' },
                { name: 'TMPDIR', value: '/cache' },
                goMemoryLimit(config.memory),
              ],
              securityContext: {
                ...security.container,
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
              },
              resources: resources(config.memory),
              terminationMessagePolicy: 'FallbackToLogsOnError',
              volumeMounts: [
                { name: 'data', mountPath: '/data', readOnly: role === 'backup' },
                { name: 'cache', mountPath: '/cache' },
              ],
            },
          ],
          volumes: [
            { name: 'data', persistentVolumeClaim: { claimName: claim.name } },
            scratch('cache', config.memory),
          ],
        },
      },
    },
  };
  const secret = (uid: string): Manifest => ({
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: {
      ...{ namespace, name, labels },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid }],
    },
    stringData: {
      'gateway-password': wish.gatewayPassword,
      'repository-password': wish.repositoryPassword,
    },
  });
  return { job, secret };
};

/**
 * A volume that only one node may mount is backed up on the node that has it. The scheduler is told
 * the node in the way of DaemonSets, so that it still says why a pod does not fit.
 */
const placement = (accessModes: readonly string[], user: ClaimUser | undefined): object => {
  const isShared = accessModes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
  if (user === undefined || isShared) return {};
  const onNode = [{ key: 'metadata.name', operator: 'In', values: [user.node] }];
  return {
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: onNode }],
        },
      },
    },
    tolerations: user.tolerations,
  };
};
