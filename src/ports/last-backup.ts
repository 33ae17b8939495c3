/** The newest complete set, as a status tells of it. */
export interface LastBackup {
  readonly id: string;
  readonly bytes: number;
  readonly consistent: boolean;
  /** What verify-backup found last; absent until it has looked. */
  readonly verified?: 'intact' | 'damaged';
  /** When it looked; ISO 8601. */
  readonly verifiedAt?: string;
  /** How long its restore is expected to take; absent when nothing was measured. */
  readonly restoreSeconds?: number;
}

/** How the last backup that was begun has ended. */
export interface Attempt {
  /** When it began; ISO 8601. */
  readonly at: string;
  /** The id for `juju show-task`. */
  readonly task: string;
  /** `begun` of one that was killed. */
  readonly outcome: 'begun' | 'succeeded' | 'failed';
  /** Of the failure; absent when it was not an expected one. */
  readonly code?: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Undefined for what cannot be read, as when a newer revision of the charm wrote it. */
export const parseLastBackup = (fields: Fields): LastBackup | undefined => {
  const { id, bytes, consistent, verified, verifiedAt, restoreSeconds } = fields;
  return typeof id === 'string' && typeof bytes === 'number' && typeof consistent === 'boolean'
    ? {
        ...{ id, bytes, consistent },
        ...(verified === 'intact' || verified === 'damaged' ? { verified } : {}),
        ...(typeof verifiedAt === 'string' && { verifiedAt }),
        ...(typeof restoreSeconds === 'number' && { restoreSeconds }),
      }
    : undefined;
};

/** Undefined for what cannot be read. */
export const parseAttempt = ({ at, task, outcome, code }: Fields): Attempt | undefined =>
  typeof at === 'string' &&
  typeof task === 'string' &&
  (outcome === 'begun' || outcome === 'succeeded' || outcome === 'failed')
    ? { at, task, outcome, ...(typeof code === 'string' ? { code } : {}) }
    : undefined;
