import type { S3Object } from './bucket.ts';
import { receiveText } from './content.ts';
import { existing, type S3Context } from './context.ts';
import { S3Error, type S3Reply } from './replies.ts';

/**
 * How long the Standard retrieval takes, in hours, at the longest (AWS, "Archive retrieval
 * options").
 */
const hours: Readonly<Record<string, number>> = { GLACIER: 5, DEEP_ARCHIVE: 12 };

const hour = 3_600_000;

export const classOf = ({ headers }: S3Object): string =>
  headers['x-amz-storage-class'] ?? 'STANDARD';

type Asked = Pick<S3Context, 'profile' | 'now'>;

const isArchived = ({ profile: { quirks } }: Asked, object: S3Object): boolean =>
  quirks.has('freezes-archives') && classOf(object) in hours;

export const checkReadable = (context: Asked, object: S3Object): void => {
  const now = context.now().getTime();
  const { from, until } = object.thaw ?? { from: Infinity, until: 0 };
  if (isArchived(context, object) && !(from <= now && now < until))
    throw new S3Error(
      403,
      'InvalidObjectState',
      "The operation is not valid for the object's storage class",
    );
};

export const thawHeaders = (context: Asked, object: S3Object): Record<string, string> => {
  const now = context.now().getTime();
  const { thaw } = object;
  if (!isArchived(context, object) || !thaw || thaw.until <= now) return {};
  return {
    'x-amz-restore':
      now < thaw.from
        ? 'ongoing-request="true"'
        : `ongoing-request="false", expiry-date="${new Date(thaw.until).toUTCString()}"`,
  };
};

export const restoreObject = async (context: S3Context): Promise<S3Reply> => {
  const object = existing(context);
  const xml = await receiveText(context.incoming, context.profile);
  const days = Number(/<Days>(\d+)<\/Days>/.exec(xml)?.[1] ?? NaN);
  if (!isArchived(context, object))
    throw new S3Error(
      403,
      'InvalidObjectState',
      "Restore is not allowed for the object's current storage class",
    );
  if (!(days >= 1) || !/<Tier>(Standard|Bulk|Expedited)<\/Tier>/.test(xml))
    throw new S3Error(400, 'MalformedXML', 'The XML you provided was not well-formed');
  const now = context.now().getTime();
  const { thaw } = object;
  if (thaw && now < thaw.from)
    throw new S3Error(409, 'RestoreAlreadyInProgress', 'Object restore is already in progress');
  const isThawed = thaw !== undefined && now < thaw.until;
  const from = isThawed ? thaw.from : now + hours[classOf(object)]! * hour;
  context.bucket.put({ ...object, thaw: { from, until: from + days * 24 * hour } });
  return { status: isThawed ? 200 : 202 };
};
