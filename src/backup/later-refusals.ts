import { looksShrunk } from '../components/buckets/shrunk.ts';
import { findMlmdPod } from '../components/mlmd/pod.ts';
import type { Config } from '../config/config.ts';
import { CharmError, orProblem } from '../errors.ts';
import { takeLock } from '../repository/lock.ts';
import { newestOfBuckets } from '../repository/sets.ts';
import type { Kubernetes, Source, Target, World } from '../world.ts';

/** The connections that the preflight has opened. */
export interface Opened {
  readonly kubernetes: Kubernetes | undefined;
  readonly target: Target | undefined;
  readonly sources: readonly Source[];
}

/**
 * Problems that a backup would meet only later. The action `check` looks for them beforehand:
 * another operation works on the path, ML Metadata has no pod, or a bucket has lost its objects.
 */
export async function* laterRefusals(
  world: World,
  config: Config,
  { kubernetes, target, sources }: Opened,
  { allowShrink }: { readonly allowShrink: boolean },
): AsyncGenerator<CharmError> {
  const problems = [
    target && (() => lockProblem(world, target)),
    kubernetes && config.components.includes('mlmd')
      ? async () => {
          await findMlmdPod(kubernetes, config.mlmdApplication);
        }
      : undefined,
    target && !allowShrink ? () => shrunkProblems(target, sources) : undefined,
  ];
  for (const look of problems) {
    const found = look && (await orProblem(async () => look()));
    if (found instanceof CharmError) yield found;
    else if (found !== undefined) yield* found;
  }
}

/** Takes the lock, as a backup would, and releases it. */
const lockProblem = async (world: World, target: Target): Promise<undefined> => {
  await using _lock = await takeLock(target, world);
};

const shrunkProblems = async (
  target: Target,
  sources: readonly Source[],
): Promise<readonly CharmError[]> => {
  const newest = await newestOfBuckets(
    target,
    sources.map(({ bucket }) => bucket),
  );
  const found = await Promise.all(
    sources.map((source) => looksShrunk(source, newest.get(source.bucket)?.objects)),
  );
  return found.filter((problem) => problem !== undefined);
};
