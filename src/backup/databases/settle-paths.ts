import { CharmError } from '../../errors.ts';
import type { ApplicationStatus, Target } from '../../world.ts';
import { readClaim } from '../claim.ts';
import { generationOf } from './path.ts';
import { handOut, moveToNextPath, takeOverPath, type PathWorld } from './next-path.ts';

/** A database as the preflight found it. */
interface FoundDatabase {
  readonly component: string;
  readonly application: string | ApplicationStatus;
  readonly isRelated?: boolean;
  /** Set when it does not write where it was told to. */
  readonly problem?: CharmError;
}

/**
 * Hands each database the path that it can write to: the one that the claim in S3 tells of, which a charm that was deployed anew does not know; the
 * next one, when another cluster has written there (the database was deployed anew, or restored by hand); and new ones for all of them when the
 * path is taken over from another model, which the preflight has seen to be allowed. Juju tells a database only when the action has ended, so this
 * one cannot go on: resolves with `database-path-moved` then, and with undefined when nothing had to be done.
 */
export const settlePaths = async (
  world: PathWorld,
  target: Target,
  found: readonly FoundDatabase[],
): Promise<CharmError | undefined> => {
  const databases = found.filter(({ isRelated = true }) => isRelated);
  const taken = await takeOverPath(world, target);
  const claim = (await readClaim(target))?.claim;
  const moved: string[] = [];
  for (const { component, application, problem } of databases) {
    const move = async (): Promise<string | undefined> => {
      if (taken.has(component)) return taken.get(component);
      const handed = await world.handedPath(component);
      // Nothing was handed out yet, which is for the hooks to do.
      if (handed === undefined) return undefined;
      const claimed = claim?.generations[component] ?? 1;
      if ((generationOf(target.prefix, component, handed) ?? 0) < claimed)
        return handOut(world, target, component, claimed);
      return problem && moveToNextPath(world, target, component);
    };
    const path = await move();
    const name = typeof application === 'string' ? application : application.name;
    if (path !== undefined) moved.push(`${name} to ${path}`);
    else if (problem !== undefined) return problem;
  }
  return moved.length === 0 ? undefined : movedError(moved);
};

const movedError = (moved: readonly string[]): CharmError =>
  new CharmError(
    'database-path-moved',
    `Another cluster wrote to where databases were told to write their backups, so they are told to write elsewhere: ${moved.join(', ')}. They hear of it` +
      ' when this action has ended. No backup was made. Run the action again in a minute.',
  );
