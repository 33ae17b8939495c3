import type { Config } from '../config/config.ts';
import type { CharmError } from '../errors.ts';
import type { HookTools, Journal, World } from '../world.ts';

/**
 * Our unit, as the hooks use it. The world and the undo cost time, so they are opened only when
 * they are needed.
 */
export interface Unit {
  readonly application: string;
  readonly model: string;
  /** Of the charm. */
  readonly version: string;
  readonly tools: HookTools;
  readonly journal: Journal;
  readonly now: () => Date;
  openWorld(config: Config): Promise<World>;
  /** Puts back what a killed action left changed; returns what could not be put back yet. */
  putBack(world: World): Promise<readonly CharmError[]>;
}
