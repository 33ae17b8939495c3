/** The parts that a backup set can consist of. The databases are named after our endpoints. */
export const components = ['kfp-db', 'katib-db', 'mlmd', 'mlpipeline'] as const;

export type Component = (typeof components)[number];

export const databaseEndpoints = ['kfp-db', 'katib-db'] as const;

export type DatabaseEndpoint = (typeof databaseEndpoints)[number];

/** The charm's options, parsed. Bytes and units as config.yaml describes them. */
export interface Config {
  /** `secret:<id>`; undefined while it is not set. */
  readonly jujuCredentials: string | undefined;
  readonly components: readonly Component[];
  readonly bucket: string | undefined;
  readonly path: string | undefined;
  readonly bandwidthLimit: readonly BandwidthPeriod[];
  readonly transfers: number;
  readonly sourceBuckets: readonly string[];
  readonly mlmdApplication: string;
  readonly metadataWriterApplication: string;
  readonly databaseUnits: number;
  readonly serverSideEncryption: ServerSideEncryption | undefined;
  readonly keep: {
    readonly last: number;
    readonly daily: number;
    readonly weekly: number;
    readonly monthly: number;
  };
}

/** From this minute of the week on (0 is Sunday 00:00, UTC) at most so many bytes a second; undefined is no limit. */
export interface BandwidthPeriod {
  readonly minute: number;
  readonly bytesPerSecond: number | undefined;
}

export interface ServerSideEncryption {
  readonly algorithm: 'AES256' | 'aws:kms';
  readonly keyId?: string;
}
