import { createCipheriv, randomBytes, scryptSync } from 'node:crypto';
import { macOf, type SealKey } from '../../src/volumes/restic/restic-seal.ts';

export const newKey = (): SealKey => ({
  ...{ encrypt: randomBytes(32), k: randomBytes(16), r: randomBytes(16) },
});

export const seal = (key: SealKey, text: string | Buffer): Buffer => {
  const nonce = randomBytes(16);
  const content = createCipheriv('aes-256-ctr', key.encrypt, nonce).update(Buffer.from(text));
  return Buffer.concat([nonce, content, macOf(key, nonce, content)]);
};

/** A file of `keys/` that this password opens, as restic writes it, and weaker. */
export const newKeyFile = (key: SealKey, password: string): string => {
  const salt = randomBytes(64);
  const derived = scryptSync(password, salt, 64, { N: 2, r: 1, p: 1 });
  const [encrypt, k, r] = [derived.subarray(0, 32), derived.subarray(32, 48), derived.subarray(48)];
  const text = (bytes: Buffer) => bytes.toString('base64');
  const master = { mac: { k: text(key.k), r: text(key.r) }, encrypt: text(key.encrypt) };
  const data = text(seal({ encrypt, k, r }, JSON.stringify(master)));
  return JSON.stringify({ kdf: 'scrypt', N: 2, r: 1, p: 1, salt: text(salt), data });
};
