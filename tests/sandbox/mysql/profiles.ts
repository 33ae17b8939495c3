/**
 * What differs between the revisions of the charm mysql-k8s, as far as a backup can meet it (facts
 * of its source).
 */
export interface MysqlProfile {
  readonly revision: number;
  readonly channel: string;
  readonly version: string;
  /** From revision 248 on the leader claims the S3 path by an object with its group's id. */
  readonly claimsPath: boolean;
  /**
   * From revision 300 on create-backup wants a cluster that is OK or OK_PARTIAL, and knows the
   * parameter `force`.
   */
  readonly checksHealth: boolean;
  /**
   * 8.0 answers get-cluster-status with a nested map, all lower-case; 8.4 with JSON text that keeps
   * its case.
   */
  readonly statusFormat: 'lower-cased-map' | 'json-text';
  /**
   * The version of the interface `s3` that the charm speaks: only v1 asks for its credentials as a
   * secret.
   */
  readonly s3Interface: 'v0' | 'v1';
}

export const mysqlProfiles = {
  '8.0-240': profile(240, '8.0.41'),
  '8.0-255': profile(255, '8.0.41'),
  '8.0-344': profile(344, '8.0.44'),
  '8.4': {
    ...profile(400, '8.4.7'),
    channel: '8.4/edge',
    statusFormat: 'json-text',
    s3Interface: 'v1',
  },
} as const satisfies Record<string, MysqlProfile>;

export type MysqlProfileName = keyof typeof mysqlProfiles;

function profile(revision: number, version: string) {
  return {
    revision,
    version,
    channel: '8.0/stable',
    claimsPath: revision >= 248,
    checksHealth: revision >= 300,
    statusFormat: 'lower-cased-map',
    s3Interface: 'v0',
  } as const;
}
