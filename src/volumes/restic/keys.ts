import { createHash, createHmac } from 'node:crypto';

/**
 * The password of a repository: HMAC-SHA-256 of its name under the operator's key, in hex. Who has
 * one learns nothing of the others. `openssl dgst -sha256 -hmac` gives the same, for the day when
 * the charm is gone.
 */
export const repositoryPassword = (key: string, repository: string): string =>
  createHmac('sha256', key).update(`ckf-backup/volumes/${repository}`).digest('hex');

/** Tells one key from another, and nothing about it. */
export const keyFingerprint = (key: string): string =>
  createHash('sha256').update(`ckf-backup/fingerprint/${key}`).digest('hex').slice(0, 12);
