import type { Fields, Manifest } from '../../world.ts';
import { bytesOf } from '../claims/quantity.ts';
import { outsideMesh } from '../records/names.ts';

/*
 * What all pods of the model's namespace are made of.
 */

export const podHead = (
  namespace: string,
  name: string,
  labels: Readonly<Record<string, string>>,
): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace, name, labels: { ...labels, ...outsideMesh } },
});

/** Without rights at the API, and as nobody. */
export const podSpec = (containers: readonly Fields[], volumes: readonly Fields[]): Fields => ({
  restartPolicy: 'Never',
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 65534,
    seccompProfile: { type: 'RuntimeDefault' },
  },
  containers,
  volumes,
});

/** Where a pod writes: restic's cache, and `room` bytes beside it. */
export const scratch = (name: string, memory: string, room = 0): Fields => ({
  name,
  emptyDir: {
    // The cache grows with the number of files as the memory does, and is smaller.
    sizeLimit: `${Math.ceil(2 * mebibytes(memory) + (room * 1.1) / 2 ** 20)}Mi`,
  },
});

/** The certificates that the pod's Secret has. */
export const certificates = (secretName: string): Fields => ({
  name: 'ca',
  secret: { secretName, items: [{ key: 'ca.crt', path: 'ca.crt' }] },
});

/**
 * The capabilities that give files to their owners, with all their rights. Without FSETID a folder
 * loses the bit by which what is made in it gets its group: where notebooks have an fsGroup, each
 * folder has it. The pod security `baseline` allows all of them.
 */
export const restoring = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID'] as const;

/** `restores`: it restores files with their owners. */
export const container = (name: string, image: string, restores = false): Fields => ({
  name,
  image,
  resources: resources('1Gi'),
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    // Only root can give files to others, and read those that nobody may read.
    ...(restores && { runAsUser: 0, runAsNonRoot: false }),
    capabilities: {
      drop: ['ALL'],
      ...(restores && { add: restoring }),
    },
  },
  terminationMessagePolicy: 'FallbackToLogsOnError',
});

/** Requests and limits, because a quota refuses pods that do not name both. */
export const resources = (memory: string): Fields => ({
  requests: { cpu: '100m', memory: '256Mi' },
  limits: { cpu: '1', memory },
});

/**
 * Lets a program in Go collect its garbage more often before it uses all the memory that it may.
 * Otherwise it is killed while half of what it has is garbage.
 */
export const goMemoryLimit = (memory: string): Fields => ({
  name: 'GOMEMLIMIT',
  value: `${Math.floor(mebibytes(memory) * 0.875)}MiB`,
});

const mebibytes = (quantity: string): number => (bytesOf(quantity) ?? 0) / 2 ** 20;

/** A variable whose value stands in a Secret, so that no manifest and no argument holds it. */
export const secretVariable = (name: string, secret: string, key: string): Fields => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key } },
});
