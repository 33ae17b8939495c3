/** How an operator sees what is going on. */
export interface Progress {
  /** A step of the story: into the action's log and the unit's status. */
  step(message: string): Promise<void>;
  /** A detail of the current step: into the action's log only. */
  note(message: string): Promise<void>;
}
