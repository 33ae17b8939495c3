import assert from 'node:assert/strict';
import type { S3Options } from '../../../src/adapters/s3/s3.ts';
import { openS3Rig } from '../../rigs/s3.ts';

export const advice = {
  credentials: 'check the keys of s3-integrator',
  bucket: 'create the bucket',
  endpoint: 'check the endpoint of s3-integrator',
  certificate: 'set tls-ca-chain of s3-integrator',
};

/** Checks an error's code and message, and that no secret is in it. */
export const failure =
  (code: string, ...texts: readonly (string | RegExp)[]) =>
  (error: unknown) => {
    assert.ok(error instanceof Error && 'code' in error);
    assert.equal(error.code, code, error.message);
    for (const text of texts)
      if (typeof text === 'string') assert.ok(error.message.includes(text), error.message);
      else assert.match(error.message, text);
    assert.doesNotMatch(error.message, /testsecret|wrongsecret/);
    return true;
  };

/** Opens a store with these options and expects its first requests to fail so. */
export const failsWith = async (
  changed: Partial<S3Options>,
  code: string,
  ...texts: readonly (string | RegExp)[]
): Promise<void> => {
  await using rig = await openS3Rig({}, { advice, ...changed });
  await assert.rejects(rig.store.probe(), failure(code, ...texts));
  await assert.rejects(rig.store.put('a', 'x'), failure(code));
};
