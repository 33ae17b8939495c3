import type { Cluster } from './cluster.ts';

/** What the gateway in front of the bucket is told. */
export interface GatewayStorage {
  readonly endpoint: string;
  readonly region: string | undefined;
  readonly style: 'path' | 'host';
  readonly bucket: string;
  readonly prefix: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** PEM; empty when the certificate is one that everybody trusts. */
  readonly ca: string;
}

/** What backups of volumes touch beyond the rest of the world. */
export interface VolumeAccess extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly storage: GatewayStorage;
  /** The secret from which the password of each repository is made. */
  readonly key: string;
}
