import { createHash } from 'node:crypto';

/** `20261121t030000z`: UTC, sorts by time, and is a label's value in Kubernetes. */
export const sessionIdAt = (time: Date): string =>
  `${time.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}z`.toLowerCase();

export const isSessionId = (text: string): boolean => /^\d{8}t\d{6}z$/.test(text);

/** Undefined when it is no id of a session. */
export const timeOfSession = (id: string): Date | undefined => {
  const time = new Date(
    id.replace(/^(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)z$/, '$1-$2-$3T$4:$5:$6Z'),
  );
  return Number.isNaN(time.getTime()) ? undefined : time;
};

/** Milliseconds. S3 takes nothing of a clock that is a quarter of an hour off, either way. */
const mostBetweenClocks = 30 * 60_000;

/** Whether a session has so late an id that the clock of its unit, or ours, was wrong. */
export const isOfWrongClock = (id: string, now: Date): boolean =>
  (timeOfSession(id)?.getTime() ?? 0) > now.getTime() + mostBetweenClocks;

/** The same for the same things, so that what is created twice is one object. */
export const objectName = (session: string, ...about: readonly string[]): string =>
  `ckf-backup-${session}-${createHash('sha256').update(about.join('/')).digest('hex').slice(0, 10)}`;

const sessionLabel = 'ckf-backup/session';
const modelLabel = 'ckf-backup/model';
const managedBy = 'app.kubernetes.io/managed-by';

/**
 * Finds everything in the cluster that the charm of this model has made, of one session or of all.
 * Other models of the cluster may have a charm of their own.
 */
export const ownObjects = (model: string, session?: string): string =>
  `${managedBy}=ckf-backup,${modelLabel}=${model},${sessionLabel}${session === undefined ? '' : `=${session}`}`;

/**
 * The metadata of every object that comes through a pod of ours. A user’s process can leave it off
 * no object, because the gateway adds it; who works on a repository by hand has no gateway.
 */
export const sessionMetadata = 'ckf-backup-session';

/** Pods that carry these stay outside of the service mesh, whose sidecar would never end. */
export const outsideMesh = {
  'sidecar.istio.io/inject': 'false',
  'istio.io/dataplane-mode': 'none',
} as const;

export const ownLabels = (
  model: string,
  session: string,
  role: string,
): Readonly<Record<string, string>> => ({
  [managedBy]: 'ckf-backup',
  [modelLabel]: model,
  [sessionLabel]: session,
  'ckf-backup/role': role,
});

/** A profile's name that was used so often is a mistake of ours. */
export const mostGenerations = 1000;

/** The repository of a namespace; each owner that its name has had counts as a generation. */
export const repositoryName = (namespace: string, generation: number): string =>
  generation === 1 ? namespace : `${namespace}-${generation}`;
