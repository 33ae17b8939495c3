import type * as Crypto from 'node:crypto';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export type Certificates =
  /** PEM, one text each. */
  | { readonly kind: 'certificates'; readonly certificates: readonly string[] }
  /** What is wrong, as the end of "something that has …". */
  | { readonly kind: 'unreadable'; readonly problem: string };

/**
 * Reads the certificates of an authority: PEM with one or more of them, or base64 of such PEM.
 * Each is parsed: one that is broken would make every later connection fail in OpenSSL's words.
 */
export const readCertificates = (text: string): Certificates => {
  const pem = text.includes('-----BEGIN') ? text : Buffer.from(text, 'base64').toString();
  const blocks = pem.split(/(?=-----BEGIN )/).filter((block) => block.startsWith('-----BEGIN '));
  if (blocks.length === 0) return { kind: 'unreadable', problem: 'no certificate in PEM' };
  const certificates: string[] = [];
  for (const block of blocks) {
    const certificate = parsed(block);
    if (certificate === undefined)
      return {
        kind: 'unreadable',
        problem: `a block of PEM that is no certificate: number ${certificates.length + 1} of ${blocks.length}`,
      };
    certificates.push(certificate);
  }
  return { kind: 'certificates', certificates };
};

const parsed = (block: string): string | undefined => {
  if (!block.startsWith('-----BEGIN CERTIFICATE-----')) return undefined;
  // Only here, because every hook loads this file, and to load OpenSSL takes 20 modules of Node's.
  const { X509Certificate } = require('node:crypto') as typeof Crypto;
  try {
    return new X509Certificate(block).toString().trim();
  } catch {
    return undefined;
  }
};
