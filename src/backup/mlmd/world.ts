import type { Clock, Kubernetes, ObjectStore } from '../../world.ts';

/** What the dump of ML Metadata touches. */
export interface MlmdWorld {
  readonly kubernetes: Kubernetes;
  readonly store: ObjectStore;
  /** A directory on our own disk. */
  readonly scratch: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly note: (text: string) => Promise<void>;
  /** Seconds to wait for a moment in which nobody writes; 30 unless told. */
  readonly patience?: number;
}

export const defaultPatience = 30;
