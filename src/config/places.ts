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
