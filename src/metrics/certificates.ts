import { X509Certificate } from 'node:crypto';

/** When the first of these certificates (PEM) expires; undefined when none can be read. */
export const firstExpiry = (certificates: readonly string[]): string | undefined => {
  const times = certificates.flatMap((pem) => {
    try {
      return [new X509Certificate(pem).validToDate.getTime()];
    } catch {
      return [];
    }
  });
  return times.length === 0 ? undefined : new Date(Math.min(...times)).toISOString();
};
