import type { BackupManifest } from '../backup/manifest.ts';

/** The bytes of each component of a set; a database with an S3 storage of its own is not known and left out. */
export const componentSizes = ({
  databases,
  mlmd,
  buckets,
}: BackupManifest): Readonly<Record<string, number>> => ({
  ...Object.fromEntries(
    databases.flatMap(({ component, size }) => (size === undefined ? [] : [[component, size]])),
  ),
  ...(mlmd && { mlmd: mlmd.size }),
  ...(buckets.length > 0 && { mlpipeline: sum(buckets.map(({ size }) => size)) }),
});

/** The bytes that a restore of the whole set reads. Sets share most of them. */
export const setSize = (manifest: BackupManifest): number =>
  sum(Object.values(componentSizes(manifest)));

const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);
