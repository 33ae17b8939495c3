/**
 * `skipped`: a slot of the schedule got no run, because something else was better. `test`: somebody
 * asked whether messages arrive.
 */
export type NoticeKind = 'started' | 'succeeded' | 'failed' | 'skipped' | 'test';

/** What is told of. Each may have an address of its own. */
export type NoticeSubject = 'control-plane' | 'volumes';

export interface Notice {
  readonly kind: NoticeKind;
  /** For people. */
  readonly text: string;
}

/** The one address that the operator wants to be told of backups. */
export interface Notifier {
  /**
   * Resolves when the notice was taken, or when this receiver does not want notices of its kind.
   * Takes half a minute at most, and rejects with `notification-failed`, without the address.
   */
  send(notice: Notice): Promise<void>;
}
