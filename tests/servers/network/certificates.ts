// @peculiar/x509 needs this polyfill to be there before it is loaded.
import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

export interface Certificate {
  /** PEM, for the option `cert` of a TLS server. */
  readonly cert: string;
  /** PEM (PKCS #8), for the option `key`. */
  readonly key: string;
}

/**
 * A certificate authority that lives for one test run; its private key never leaves the process.
 */
export interface TestAuthority {
  /** PEM, for the option `ca` of a client. */
  readonly ca: string;
  /**
   * Issues a server certificate for these names; an IP address becomes an IP SAN, anything else a
   * DNS SAN.
   */
  issue(names: readonly string[]): Promise<Certificate>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const day = 24 * 60 * 60 * 1000;

/** Makes a certificate authority: `const { ca, issue } = await createAuthority()`. */
export const createAuthority = async (name = 'test authority'): Promise<TestAuthority> => {
  const keys = await newKeys();
  const root = await X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: `CN=${name}`,
    ...validity(),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  const issue = async (names: readonly string[]): Promise<Certificate> => {
    const leafKeys = await newKeys();
    const leaf = await X509CertificateGenerator.create({
      serialNumber: newSerial(),
      subject: 'CN=test server',
      issuer: root.subject,
      ...validity(),
      publicKey: leafKeys.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
        ),
      ],
    });
    const key = await crypto.subtle.exportKey('pkcs8', leafKeys.privateKey);
    return { cert: leaf.toString('pem'), key: PemConverter.encode(key, 'PRIVATE KEY') };
  };
  return { ca: root.toString('pem'), issue };
};

const newKeys = async () => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

/** Positive and not longer than RFC 5280 allows. */
const newSerial = () => `01${randomBytes(15).toString('hex')}`;

const validity = () => ({
  notBefore: new Date(Date.now() - day),
  notAfter: new Date(Date.now() + 7 * day),
});
