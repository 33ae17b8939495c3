import type { BackupManifest } from '../repository/manifest.ts';
import type { Proof } from '../repository/proofs.ts';
import { sum } from '../text.ts';

/** How long a restore of all of a set is expected to take, and from what that is known. */
export interface RestoreTime {
  /** Undefined when nothing was measured yet from which it follows. */
  readonly seconds: number | undefined;
  readonly basis: 'restore' | 'rates';
}

interface Measured {
  readonly bytes: number;
  readonly seconds: number;
}

/** Bytes. The time of a smaller copy tells no rate. */
const leastBytes = 1 << 20;

/**
 * A restore of this very set is the best estimate. Without one it is computed: the databases and ML
 * Metadata take as long as their backups did, which move the same bytes the other way, and objects
 * are brought back at the rate at which the charm has copied or read before. A restore that finds
 * most objects in place is quicker.
 */
export const restoreTime = (
  { databases, mlmd, buckets }: Pick<BackupManifest, 'databases' | 'mlmd' | 'buckets'>,
  proofs: readonly Proof[],
  measured: readonly Measured[],
): RestoreTime => {
  const restored = proofs.find(({ kind, intact }) => kind === 'restore' && intact);
  if (restored !== undefined) return { seconds: restored.seconds, basis: 'restore' };
  const fixed = sum([...databases.map(({ seconds }) => seconds), mlmd?.seconds ?? 0]);
  const bytes = sum(buckets.map(({ size }) => size));
  const rate = rateOf(measured);
  if (bytes < leastBytes) return { seconds: fixed + bytes / leastBytes, basis: 'rates' };
  return {
    seconds: rate === undefined ? undefined : fixed + bytes / rate,
    basis: 'rates',
  };
};

/** What backups measured while they copied objects. */
export const ratesOf = (
  manifests: readonly Pick<BackupManifest, 'buckets'>[],
): readonly Measured[] =>
  manifests.flatMap(({ buckets }) =>
    buckets.map(({ bytesCopied, seconds }) => ({ bytes: bytesCopied, seconds })),
  );

/** Bytes a second, over all that was measured. */
const rateOf = (measured: readonly Measured[]): number | undefined => {
  const telling = measured.filter(({ bytes, seconds }) => bytes >= leastBytes && seconds > 0);
  const seconds = sum(telling.map((one) => one.seconds));
  return seconds === 0 ? undefined : sum(telling.map(({ bytes }) => bytes)) / seconds;
};
