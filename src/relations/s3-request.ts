import type { Databag } from '../world.ts';

/**
 * What we, as a requirer of the `s3` interface, write into our application's databag so that s3-integrator sends what it has.
 *
 * Track 2 sends nothing before it has seen `version` (older builds: `lib-version`), and puts the credentials into a secret
 * because of `requested-secrets`. Track 1 sends nothing before it has seen a `bucket`, and would take the bucket for its own when it
 * has none; track 2 would create it. So a bucket is written when an operator named one, and else only to a provider that has shown
 * to be track 1: by sending something without a marker, or by having sent nothing at all when `update-status` comes round.
 */
export const s3Request = (
  relationId: string,
  provider: Databag,
  bucket: string | undefined,
  patienceIsOver: boolean,
): Databag => {
  const isTrack2 = provider['version'] !== undefined || provider['lib-version'] !== undefined;
  const isTrack1 = !isTrack2 && (Object.keys(provider).length > 0 || patienceIsOver);
  const asked = bucket ?? (isTrack1 ? `relation-${relationId.split(':').at(-1) ?? ''}` : undefined);
  return {
    'requested-secrets': JSON.stringify(['access-key', 'secret-key']),
    version: '1',
    'lib-version': '1.0',
    ...(asked === undefined ? {} : { bucket: asked }),
  };
};
