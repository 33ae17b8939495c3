/** What an operator asked of `restore-control-plane`. */
export interface RestoreRequest {
  readonly backupId: string;
  /** Of the set; undefined is all that it has. */
  readonly components: readonly string[] | undefined;
  /** Say what would be done, and change nothing. */
  readonly dryRun: boolean;
  /** Delete the objects of the bucket that the set does not know. */
  readonly deleteExtra: boolean;
  /** Go on although something runs. */
  readonly allowRunning: boolean;
  /** Has to be the name of this model. */
  readonly confirm: string;
  /** Has to be the name of the model that made the set, when that is another one. */
  readonly fromModel: string | undefined;
  /** Make the path in S3 this model's when it belongs to another one. */
  readonly takeOver: boolean;
  /** How long a database may take to gain or lose a unit. */
  readonly timeoutSeconds: number;
}
