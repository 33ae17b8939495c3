/**
 * How an operator sees what is going on. To tell it never rejects: what cannot be told is left out.
 */
export interface Progress {
  /** A step of the story: into the action's log and the unit's status. */
  step(message: string): Promise<void>;
  /** A detail of the current step: into the action's log only. */
  note(message: string): Promise<void>;
}
