export interface LogLine {
  readonly at: Date;
  readonly text: string;
}

/** Where else than in Juju what a run says is collected. */
export interface RunLog {
  /**
   * Resolves when all of those who collect have taken the lines. Takes a few seconds at most, and
   * rejects with `run-log-unsent`.
   */
  send(lines: readonly LogLine[]): Promise<void>;
}
