import type { ObjectMetadata } from '../world.ts';

/** As it is written into a list: without what is empty. */
export const listedMetadata = ({
  user,
  tags,
  ...headers
}: ObjectMetadata): Partial<ObjectMetadata> => ({
  ...headers,
  ...(Object.keys(user).length > 0 && { user }),
  ...(Object.keys(tags).length > 0 && { tags }),
});

/** The metadata that a line tells of; undefined when it tells of none. */
export const metadataIn = ({
  metadata,
}: {
  readonly metadata?: Partial<ObjectMetadata>;
}): ObjectMetadata | undefined => metadata && { user: {}, tags: {}, ...metadata };

/** Whether a line that was read has metadata of this form. */
export const isMetadata = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(value).every(([name, of]) =>
    name === 'user' || name === 'tags' ? isTexts(of) : typeof of === 'string',
  );

/** Whether a value that was read has texts only. */
export const isTexts = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every((text) => typeof text === 'string');
