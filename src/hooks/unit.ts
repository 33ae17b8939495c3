import type { Config } from '../config/config.ts';
import type { CharmError } from '../errors.ts';
import type { Exporter, HookTools, Journal, World } from '../world.ts';

/**
 * Our unit, as the hooks use it. The world and the undo cost time, so they are opened only when
 * they are needed.
 */
export interface Unit {
  readonly application: string;
  readonly model: string;
  readonly modelUuid: string;
  /** `ckf-backup/0` */
  readonly unitName: string;
  /** Of the charm. */
  readonly version: string;
  readonly tools: HookTools;
  readonly journal: Journal;
  readonly exporter: Exporter;
  readonly now: () => Date;
  openWorld(config: Config): Promise<World>;
  /** Puts back what a killed action left changed; returns what could not be put back yet. */
  putBack(world: World): Promise<readonly CharmError[]>;
}
