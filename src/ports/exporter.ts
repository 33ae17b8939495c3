import type { CharmError } from '../errors.ts';

/** The process that serves what Prometheus is told, for as long as somebody asks. */
export interface Exporter {
  /**
   * Starts it, unless one of this revision answers. Returns why none answers: no hook fails for
   * that.
   */
  ensure(): Promise<CharmError | undefined>;
  /** Resolves when none runs. */
  stop(): Promise<void>;
}
