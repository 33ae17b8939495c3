import { isBucket } from './options.ts';
import { listOf } from './volumes.ts';

/* Where in S3 an option says that things lie. Undefined when it says what cannot be. */

/** Slashes at the ends are left out, as mysql-k8s does with the path that it is given. */
export const parsePath = (text: string): string | undefined => {
  const path = text.trim().replace(/^\/+|\/+$/g, '');
  if (path === '') return '';
  const parts = path.split('/');
  const fits = path.length <= 200 && parts.every((part) => /^(?!\.{1,2}$)[\w.~-]+$/.test(part));
  return fits ? path : undefined;
};

/**
 * A mirror lies under the name of its bucket, next to the charm's own folders, so a bucket must not
 * have the name of one.
 */
export const parseSourceBuckets = (text: string): readonly string[] | undefined => {
  const buckets = listOf(text);
  const fit = buckets.every(
    (bucket) =>
      isBucket(bucket) &&
      !/^(sets|history|mlmd|locks|runs|volumes|lock\.json|ckf-backup\.json|kfp-db.*|katib-db.*|write-test-.*)$/.test(
        bucket,
      ),
  );
  return fit && buckets.length > 0 ? buckets : undefined;
};

export const isRegion = (text: string): boolean => /^[\w.-]{1,63}$/.test(text);

/**
 * The URL of an S3 server, without a slash at its end. Without one: Amazon's, in the given region
 * if there is one, as mysql-k8s does.
 */
export const parseEndpoint = (
  given: string | undefined,
  region: string | undefined,
): string | undefined => {
  if (given === undefined || /^(https:\/\/)?s3\.amazonaws\.com\/*$/.test(given))
    return region === undefined || region === 'us-east-1'
      ? 'https://s3.amazonaws.com'
      : `https://s3.${region}.amazonaws.com`;
  const endpoint = (given.includes('://') ? given : `https://${given}`).replace(/\/+$/, '');
  const url = URL.parse(endpoint);
  const fits =
    url !== null &&
    ['http:', 'https:'].includes(url.protocol) &&
    [url.username, url.password, url.search, url.hash].every((part) => part === '');
  return fits ? endpoint : undefined;
};
