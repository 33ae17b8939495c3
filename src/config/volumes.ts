import type { BandwidthPeriod } from './bandwidth-limit.ts';

/** Which volumes are backed up, and how. */
export interface VolumesConfig {
  /** `secret:<id>` of the secret with the key; undefined while volumes are not backed up. */
  readonly key: string | undefined;
  readonly patterns: readonly VolumePattern[];
  readonly inUse: InUse;
  /** Patterns of restic for files that are left out. */
  readonly exclude: readonly string[];
  /** How many volumes are backed up at a time. */
  readonly parallel: number;
  /** Milliseconds after which the backup of one volume is given up. */
  readonly deadline: number;
  /** What a restic may use at most, as a quantity of Kubernetes such as `1Gi`. */
  readonly memory: string;
  /** As whom files are read and restored. */
  readonly runAs: 'root' | 'notebook';
  /** How many backups of each volume are kept; all of them when each is 0. */
  readonly keep: VolumesKeep;
  /** Days after which the space of removed backups is given back, at the earliest. */
  readonly pruneDays: number;
  /** In so many scheduled sessions all that is stored is read; 0: it is not. */
  readonly checkParts: number;
  readonly resticImage: string;
  readonly rcloneImage: string;
  /** All gateways that are open at a time share it. */
  readonly bandwidthLimit: readonly BandwidthPeriod[];
}

/**
 * What is done about a volume that a pod has mounted: back it up where it is, leave it out, back it
 * up only while nobody works in the notebook, or stop the notebook meanwhile.
 */
export const inUseModes = ['live', 'skip', 'idle', 'stop'] as const;

export type InUse = (typeof inUseModes)[number];

/** Each of the two may hold `*` and `?`. */
export interface VolumePattern {
  readonly namespace: string;
  readonly claim: string;
}

const part = /^[a-z0-9*?][a-z0-9*?.-]{0,252}$/;

/** Reads `alice/*, jupyterhub/claim-*`. Undefined when it cannot be read. */
export const parseVolumePatterns = (text: string): readonly VolumePattern[] | undefined => {
  const patterns = listOf(text).map((pattern): VolumePattern | undefined => {
    const [namespace = '', claim = '', ...more] = pattern.split('/');
    return more.length === 0 && part.test(namespace) && part.test(claim)
      ? { namespace, claim }
      : undefined;
  });
  const read = patterns.filter((pattern) => pattern !== undefined);
  return read.length === patterns.length && read.length > 0 ? read : undefined;
};

export type VolumesKeep = Readonly<Record<'last' | 'daily' | 'weekly' | 'monthly', number>>;

/** Reads `last=3,daily=7`; what is not named is 0. Undefined when it cannot be read. */
export const parseVolumesKeep = (text: string): VolumesKeep | undefined => {
  const keep = { last: 0, daily: 0, weekly: 0, monthly: 0 };
  const named = new Set<string>();
  for (const entry of listOf(text)) {
    const [, name, count] = /^(last|daily|weekly|monthly) *= *(\d{1,5})$/.exec(entry) ?? [];
    if (name === undefined || named.has(name) || Number(count) > 10_000) return undefined;
    named.add(name);
    keep[name as keyof typeof keep] = Number(count);
  }
  return keep;
};

/** Twice what the pod requests. restic took 228 MB for 200,000 files. */
const leastMebibytes = 512;

/** Reads `1Gi` or `1500Mi`. Undefined when it cannot be read or is too little. */
export const parseMemory = (text: string): string | undefined => {
  const [, count, unit] = /^(\d{1,6})([MG])i$/.exec(text) ?? [];
  return Number(count) * (unit === 'G' ? 1024 : 1) >= leastMebibytes ? text : undefined;
};

/** The texts between commas, without those that are empty. */
export const listOf = (text: string): readonly string[] => [
  ...new Set(
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  ),
];
