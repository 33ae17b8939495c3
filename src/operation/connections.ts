import { CharmError, orProblem } from '../errors.ts';
import type { JujuModel, Kubernetes, Source, Target, World } from '../world.ts';

/**
 * The connections that opened, and the problems of those that did not. Disposing of it closes them.
 */
interface Connections extends AsyncDisposable {
  readonly juju: JujuModel | undefined;
  readonly kubernetes: Kubernetes | undefined;
  readonly target: Target | undefined;
  readonly sources: readonly Source[];
  readonly problems: readonly CharmError[];
}

/**
 * Opens Juju, Kubernetes, the target and these buckets of MinIO side by side, so that each one that
 * fails is reported.
 */
export const openConnections = async (
  world: World,
  buckets: readonly string[],
): Promise<Connections> => {
  const problems: CharmError[] = [];
  const opened = new AsyncDisposableStack();
  const attempt = async <T>(
    open: () => Promise<T>,
    resource: (value: T) => AsyncDisposable,
  ): Promise<T | undefined> => {
    const value = await orProblem(open);
    if (value instanceof CharmError) {
      problems.push(value);
      return undefined;
    }
    opened.use(resource(value));
    return value;
  };
  try {
    const [juju, kubernetes, target, ...sources] = await Promise.all([
      attempt(
        () => world.openJuju(),
        (model) => model,
      ),
      attempt(
        () => world.openKubernetes(),
        (cluster) => cluster,
      ),
      attempt(
        () => world.openTarget(),
        ({ store }) => store,
      ),
      ...buckets.map((bucket) =>
        attempt(
          () => world.openSource(bucket),
          ({ store }) => store,
        ),
      ),
    ]);
    return {
      juju,
      kubernetes,
      target,
      sources: sources.filter((source) => source !== undefined),
      problems: withoutRepeats(problems),
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
};

/** When a relation is missing, each of its buckets gives the same problem. */
const withoutRepeats = (problems: readonly CharmError[]): CharmError[] => [
  ...new Map(problems.map((problem) => [problem.message, problem])).values(),
];
