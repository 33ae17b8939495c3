import { generateKeyPairSync } from 'node:crypto';
import type { SigningKeys } from '../../src/world.ts';

/** A key of its own for each call. */
export const signingKeys = (): SigningKeys => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { signs: privateKey, trusted: [publicKey] };
};
