/*
 * This folder has what Prometheus and Grafana are told: metrics, alert rules, the dashboard, and
 * the databags that hand them on. Hooks and actions write the facts to a file; a small process that
 * does nothing else serves them as text.
 */

/**
 * What is known. Times are ISO 8601, durations seconds, sizes bytes. What is not known is absent,
 * and has no sample: zero always means that it was looked at.
 */
export interface MetricFacts {
  readonly format: 1;
  /** Of the charm. */
  readonly version: string;
  readonly leader: boolean;
  readonly updated: string;
  /** Changes that are still to be put back. */
  readonly journalEntries: number;
  /** Notebooks of users that a backup has stopped, and that are still to be started again. */
  readonly stoppedNotebooks?: number;
  /** The application that collects, when it answered with errors. For the status, not a metric. */
  readonly collectorError?: string;
  /** Of a leader only, from here on. */
  readonly schedule?: ScheduleFacts;
  /** Of users' volumes. */
  readonly volumesSchedule?: ScheduleFacts;
  readonly volumes?: VolumeFacts;
  readonly sets?: SetFacts;
  /** The last backup that was begun, by any unit. */
  readonly lastRun?: { readonly at: string; readonly failedWith?: string };
  /** When the backup began that runs. */
  readonly running?: string;
  /** By `outcome/trigger`; of times of volumes-schedule by `volumes/outcome`. */
  readonly runs?: Readonly<Record<string, number>>;
  readonly verification?: { readonly intact: boolean; readonly at: string };
  readonly retentionWorked?: boolean;
  /** How many things of each kind no backup holds. */
  readonly notProtected?: Readonly<Record<string, number>>;
  /** Whether the last use was let in, by system. */
  readonly credentials?: Readonly<Record<string, boolean>>;
  /** When the first certificate of a configured authority expires, by system. */
  readonly certificates?: Readonly<Record<string, string>>;
}

export interface ScheduleFacts {
  /** The longest time between two slots; 0 without a schedule. */
  readonly interval: number;
  readonly paused: boolean;
  readonly next?: string;
}

export interface VolumeFacts {
  /**
   * Of the volumes of each namespace that are to be backed up: when the last good backup began of
   * the one whose last is oldest. One without any counts from when its claim was made.
   */
  readonly namespaces: Readonly<Record<string, string>>;
  readonly repositories: Readonly<Record<string, RepositoryFacts>>;
}

export interface RepositoryFacts {
  readonly created: string;
  /** When somebody last looked whether it can be read, and whether damage stands. */
  readonly checked?: string;
  readonly intact?: boolean;
}

export interface SetFacts {
  readonly count: number;
  readonly oldest?: string;
  readonly newest?: {
    readonly id: string;
    readonly seconds: number;
    readonly consistent: boolean;
    readonly parts: Readonly<Record<string, PartFacts>>;
  };
  /** The newest one that could be restored now, as the action assurance has it. */
  readonly assured?: string;
  /** Sizes of the parts of the one before the newest. */
  readonly previous?: Readonly<Record<string, number>>;
}

export interface PartFacts {
  /** Absent of a database with an S3 storage of its own. */
  readonly size?: number;
  readonly objects?: number;
  readonly seconds: number;
}

export const factsText = (facts: MetricFacts): string => `${JSON.stringify(facts)}\n`;

/** Undefined when this revision did not write the text. */
export const parseFacts = (text: string): MetricFacts | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isFacts(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** The file is our own. It is only checked that it is whole, and of this form. */
const isFacts = (value: unknown): value is MetricFacts =>
  typeof value === 'object' &&
  value !== null &&
  'format' in value &&
  value.format === 1 &&
  'version' in value &&
  typeof value.version === 'string' &&
  'leader' in value &&
  typeof value.leader === 'boolean' &&
  'updated' in value &&
  typeof value.updated === 'string' &&
  'journalEntries' in value &&
  typeof value.journalEntries === 'number';
