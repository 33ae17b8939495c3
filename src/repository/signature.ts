import { sign, verify, type KeyObject } from 'node:crypto';
import { CharmError } from '../errors.ts';
import type { SigningKeys } from '../world.ts';
import type { BackupManifest } from './manifest.ts';

/**
 * The manifest with a signature of itself (Ed25519, RFC 8032). It holds the SHA-256 of every list
 * and of the dump, so that they are signed with it. Without a key that signs it stays as it is.
 */
export const signManifest = (
  manifest: BackupManifest,
  keys: SigningKeys | undefined,
): BackupManifest => {
  if (keys?.signs === undefined) return manifest;
  const [own] = keys.trusted;
  if (own === undefined) throw new TypeError('a key that signs is trusted');
  const value = sign(null, signedText(manifest), keys.signs).toString('base64');
  return {
    ...manifest,
    signature: { algorithm: 'Ed25519', publicKey: publicKeyText(own), value },
  };
};

/**
 * Why a set may not be trusted when there are keys to check it with: its signature is missing, of
 * somebody else, or wrong. Undefined when it is right, or when there are no keys.
 */
export const signatureProblem = (
  manifest: BackupManifest,
  keys: SigningKeys | undefined,
): CharmError | undefined => {
  if (keys === undefined) return undefined;
  const { id, signature } = manifest;
  if (signature === undefined)
    return refused(
      id,
      'is not signed: it was made before signing-key was set, or not by this charm',
    );
  const key = keys.trusted.find((one) => publicKeyText(one) === signature.publicKey);
  if (key === undefined)
    return refused(
      id,
      `is signed with a key that is not trusted here (${signature.publicKey}). An earlier key of yours belongs into the secret of signing-key, as public-keys`,
    );
  const isRight = verify(null, signedText(manifest), key, Buffer.from(signature.value, 'base64'));
  return isRight
    ? undefined
    : refused(id, 'has a wrong signature: somebody changed its manifest after the backup');
};

/** As `check` shows it and a manifest names it: what stands between the lines of the key's PEM. */
export const publicKeyText = (key: KeyObject): string =>
  key.export({ type: 'spki', format: 'der' }).toString('base64');

/** What is signed: the manifest as it is stored, without its signature. */
const signedText = (manifest: BackupManifest): Buffer =>
  // What is undefined is left out.
  Buffer.from(`${JSON.stringify({ ...manifest, signature: undefined }, undefined, 2)}\n`);

const refused = (id: string, what: string): CharmError =>
  new CharmError(
    'signature-invalid',
    `The set ${id} ${what}. Nothing was changed. Use another set; only if you know where this one comes from, allow-unsigned=true.`,
  );
