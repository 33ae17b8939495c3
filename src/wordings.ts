/**
 * The texts of Juju and mysql-k8s that the charm has to read, because they carry no code. Each
 * meaning has every wording that is known, with its source; nothing else in `src` compares such a
 * text. A text that matches none of them is shown to the operator as it is.
 */
const wordings = {
  /** A hook tool, of a secret that exists but is not granted. */
  secretDenied: [
    // Juju 3.4, 3.6: apiserver/errors ErrPerm.
    'permission denied',
    // Juju 3.4, 3.6: a relation's secret before its grant is seen.
    'access denied',
    // Juju 4.0, 4.1: domain/secret/service canRead; seen in 4.0.15.
    'is not allowed to read this secret',
  ],
  /**
   * A hook tool, of a secret that does not exist. Juju 3.4 to 4.1: `secret "…" not found`,
   * `consumer label "…" not found`.
   */
  secretUnknown: ['not found', 'not valid'],
  /** A hook tool, of a relation that has gone. */
  relationGone: [
    // Juju 3.4 to 4.1: the agent itself, worker/uniter/runner/jujuc.
    'relation not found',
    // Juju 3.4, 3.6: the controller, which does not know the unit in it any more.
    'permission denied',
  ],
  /** `storage-get`, of a storage that is listed. */
  storageNotMounted: [
    // Juju 4.0.15, before an added unit's volume is there.
    'mount point for storage attachment',
    // Juju 3.4 to 4.1: the agent itself, while the storage is taken away.
    'storage not found',
  ],
  /** `Admin.Login`, of a user whose password is right: apiserver/admin.go, Juju 3.4 to 4.1. */
  noModelAccess: ['permission denied'],
  /** Any call: apiserver/restrict_upgrades.go and admin.go, Juju 3.4 to 4.1. */
  controllerInMaintenance: ['maintenance in progress'],
  /** `create-backup` of mysql-k8s from revision 300 on, lib/charms/mysql/v0/backups.py. */
  clusterUnhealthy: ['Cluster is not in a healthy state'],
  /**
   * The status of mysql-k8s from revision 248 on: `S3 repository claimed by another cluster`, `Move
   * restored cluster to another S3 repository`.
   */
  pathRefused: ['S3 repository'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Whether a text has this meaning. */
export const says = (text: string, meaning: keyof typeof wordings): boolean =>
  wordings[meaning].some((wording) => text.includes(wording));

/**
 * Whether `credential-get` refuses because the application is not trusted: the controller asks for
 * trust before it does anything else (Juju 3.1 to 4.0, facades/agent/uniter `cloudSpecAccessor`).
 * With other text before it, something else was denied.
 */
export const saysUntrusted = (text: string): boolean =>
  /^(cannot access cloud credentials: )?(getting model credentials: )?permission denied$/.test(
    text,
  );
