import type { ObjectStore } from '../../world.ts';
import { addressOf } from './address.ts';
import type { S3Options } from './options.ts';
import { createSigner } from './signature.ts';

/** Links by which one object can be read without keys, as every server of S3 takes them. */
export const createLinker = (options: S3Options): ObjectStore['link'] => {
  const address = addressOf(options.endpoint, options.bucket, options.style);
  const signer = createSigner(options, address);
  return (key, seconds) => signer.link(address.pathOf(key), seconds);
};
