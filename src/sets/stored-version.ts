import { provesContent } from '../backup/buckets/merge.ts';
import type { ListedObject } from '../backup/buckets/object-list.ts';

/** The ETag that the bytes of a listed object have in the mirror, and the last part of their name in the history. */
export const storedEtag = ({ etag, mirrorEtag }: ListedObject): string => mirrorEtag ?? etag;

/** Whether an object of the mirror is the version that a set lists. */
export const isVersion = (mirror: { readonly etag: string }, listed: ListedObject): boolean =>
  mirror.etag === storedEtag(listed) || provesContent(mirror, listed);
