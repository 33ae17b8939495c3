import { createCipheriv, createDecipheriv, scryptSync } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { poly1305 } from '@noble/ciphers/_poly1305.js';
import { type Fields, fieldsOf, textOf } from '../../ports/fields.ts';

/*
 * How restic seals what it stores (its documentation, "Keys, Encryption and MAC"): AES-256-CTR, and
 * Poly1305-AES over the ciphertext. Opened here only to tell what restic can read from what it
 * cannot, because restic itself stops at the first object that it cannot read.
 */

export interface SealKey {
  readonly encrypt: Buffer;
  /** The two halves of the key of the MAC. */
  readonly k: Buffer;
  readonly r: Buffer;
}

const nonceBytes = 16;
const macBytes = 16;

/** Undefined when it was not sealed with this key. */
export const unseal = (key: SealKey, sealed: Buffer): Buffer | undefined => {
  if (sealed.length < nonceBytes + macBytes) return undefined;
  const nonce = sealed.subarray(0, nonceBytes);
  const content = sealed.subarray(nonceBytes, -macBytes);
  if (!macOf(key, nonce, content).equals(sealed.subarray(-macBytes))) return undefined;
  return createDecipheriv('aes-256-ctr', key.encrypt, nonce).update(content);
};

/** Poly1305-AES of a sealed content. Quick also for the megabytes of an index. */
export const macOf = ({ k, r }: SealKey, nonce: Buffer, content: Buffer): Buffer => {
  const pad = createCipheriv('aes-128-ecb', k, null).update(nonce);
  return Buffer.from(poly1305(content, Buffer.concat([r, pad])));
};

/** More than restic takes to derive a key: a file of a user may ask for any amount. */
const mostMemory = 256 * 2 ** 20;
const mostTurns = 64;

/** The key that a file of a repository's `keys/` holds; undefined when the password is another. */
export const keyIn = (file: Buffer, password: string): SealKey | undefined => {
  const { kdf, N, r, p, salt, data } = fieldsOf(parse(file));
  if (kdf !== 'scrypt' || typeof N !== 'number' || typeof r !== 'number') return undefined;
  if (typeof p !== 'number' || p > mostTurns) return undefined;
  try {
    const options = { N, r, p, maxmem: mostMemory };
    const derived = scryptSync(password, Buffer.from(textOf(salt), 'base64'), 64, options);
    const own = {
      encrypt: derived.subarray(0, 32),
      k: derived.subarray(32, 48),
      r: derived.subarray(48),
    };
    const master = unseal(own, Buffer.from(textOf(data), 'base64'));
    return master && sealKeyOf(parse(master));
  } catch {
    // Parameters that scrypt refuses.
    return undefined;
  }
};

const sealKeyOf = (value: unknown): SealKey | undefined => {
  const { encrypt, mac } = fieldsOf(value);
  const [whole, k, r] = [encrypt, fieldsOf(mac)['k'], fieldsOf(mac)['r']].map((text) =>
    Buffer.from(textOf(text), 'base64'),
  );
  if (whole?.length !== 32 || k?.length !== 16 || r?.length !== 16) return undefined;
  return { encrypt: whole, k, r };
};

/** Longer ones are not of this world: restic writes some hundred bytes. */
const longestSnapshot = 2 ** 20;

/** A snapshot. Undefined when restic cannot read it as one. */
export const snapshotIn = (key: SealKey, sealed: Buffer): Fields | undefined => {
  const plain = unseal(key, sealed);
  const text = plain && textIn(plain, longestSnapshot);
  const snapshot = text === undefined ? {} : fieldsOf(parse(text));
  return /^[0-9a-f]{64}$/.test(textOf(snapshot['tree'])) ? snapshot : undefined;
};

/**
 * The JSON of a snapshot or an index that was unsealed, compressed (byte 2 says that) or not.
 * Undefined when it cannot be decompressed, or is longer than `most` bytes.
 */
export const textIn = (plain: Buffer, most: number): string | undefined => {
  const text = plain[0] === 2 ? decompressed(plain.subarray(1), most) : plain;
  return text && text.length <= most ? text.toString() : undefined;
};

/** Undefined when it cannot be, or is longer than `most` bytes. */
export const decompressed = (bytes: Buffer, most: number): Buffer | undefined => {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: most });
  } catch {
    return undefined;
  }
};

const parse = (bytes: Buffer | string): unknown => {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
};
