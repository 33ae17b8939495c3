import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { HookTools, SigningKeys } from '../world.ts';
import type { Config } from './config.ts';
import { readUserSecret, unreadable } from './user-secret.ts';

/**
 * Reads the secret of the option signing-key: `private-key` signs, and it and the `public-keys`
 * are trusted. All are PEM of Ed25519, as `openssl genpkey -algorithm ed25519` makes it. Undefined
 * while the option is not set; rejects with `secret-unreadable`.
 */
export const readSigningKeys = async (
  tools: HookTools,
  config: Pick<Config, 'signingKey'>,
  application: string,
): Promise<SigningKeys | undefined> => {
  const id = config.signingKey;
  if (id === undefined) return undefined;
  const secret = await readUserSecret(tools, application, 'signing-key', id);
  const wrong = (problem: string) =>
    unreadable('signing-key', problem, `juju update-secret ${id} private-key#file=signing.pem`);
  const own = secret['private-key']?.trim() || undefined;
  const earlier = (secret['public-keys'] ?? '')
    .split(/(?=-----BEGIN )/)
    .filter((pem) => pem.trim());
  const signs = own === undefined ? undefined : ed25519(own, createPrivateKey);
  if (own !== undefined && signs === undefined)
    throw wrong('has a private-key that is not one of Ed25519 in PEM');
  const trusted = earlier.map((pem) => ed25519(pem, createPublicKey));
  const bad = trusted.indexOf(undefined);
  if (bad >= 0)
    throw wrong(`has public-keys of which number ${bad + 1} is not one of Ed25519 in PEM`);
  if (signs === undefined && trusted.length === 0)
    throw wrong('has neither a private-key nor public-keys');
  return {
    signs,
    trusted: [
      ...(signs ? [createPublicKey(signs)] : []),
      ...trusted.filter((key) => key !== undefined),
    ],
  };
};

const ed25519 = (pem: string, read: (pem: string) => KeyObject): KeyObject | undefined => {
  try {
    const key = read(pem);
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
};
