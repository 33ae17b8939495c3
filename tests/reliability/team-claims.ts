import type { Box } from '../sandbox/box.ts';

/** The claims of those who share work, or have the path: below `locks/`, or beside the shards. */
export const claimKey = /\/(locks|shards\/[^/]+\/units)\/[^/]+\.json$/;

interface Claim {
  readonly unit: string;
  readonly key: string;
  readonly nonce: string;
}

export const claimsIn = ({ stores, prefix }: Box): readonly Claim[] => {
  const { contents } = stores.target;
  const { bucket } = stores.backups;
  return contents
    .keys(bucket, `${prefix}/`)
    .filter((key) => claimKey.test(key))
    .map((key) => ({
      ...(JSON.parse(contents.read(bucket, key).toString()) as { unit: string; nonce: string }),
      key,
    }));
};

const hour = 3_600_000;

/**
 * Nobody waits here for the minutes after which a claim is that of a dead unit: those of units that
 * died, and run nothing, become old at once.
 */
export const ageClaimsOfDead = (box: Box, isDead: (unit: string) => boolean): Disposable => {
  const { contents } = box.stores.target;
  const { bucket } = box.stores.backups;
  const isIdle = (unit: string): boolean =>
    !box.model.state.tasks.some((task) => task.unit === unit && task.status === 'running');
  const timer = setInterval(() => {
    for (const { unit, key } of claimsIn(box)) {
      const { lastModified = 0 } = contents.object(bucket, key) ?? {};
      if (isDead(unit) && isIdle(unit) && Date.now() - lastModified < hour / 4)
        contents.age(bucket, key, hour / 2);
    }
  }, 200);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
    },
  };
};

/** The hour passes after which what a verification left is nobody's. */
export const ageShards = ({ stores, prefix }: Box): void => {
  const { contents } = stores.target;
  const { bucket } = stores.backups;
  for (const key of contents.keys(bucket, `${prefix}/sets/`))
    if (key.includes('/shards/')) contents.age(bucket, key, 2 * hour);
};
