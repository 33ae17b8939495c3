import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { signatureProblem, signManifest } from '../../src/repository/signature.ts';
import { parseManifest } from '../../src/repository/stored-manifest.ts';
import { aManifest } from '../rigs/manifest.ts';
import { signingKeys } from '../rigs/signing-keys.ts';
import { needs } from '../rigs/needs.ts';

const keys = signingKeys();
const key = (id: string): string => `ckf/sets/${id}/manifest.json`;

describe('the signature of a set', () => {
  const signed = signManifest(aManifest(), keys);

  it('is right after the manifest was stored and read', () => {
    const stored = `${JSON.stringify(signed, undefined, 2)}\n`;
    assert.equal(signatureProblem(parseManifest(stored, key(signed.id)), keys), undefined);
    assert.equal(signatureProblem(signed, undefined), undefined);
  });

  it('is of an earlier key, when that is still trusted', () => {
    const newer = signingKeys();
    assert.match(signatureProblem(signed, newer)?.message ?? '', /not trusted here.*public-keys/);
    const both = { ...newer, trusted: [...newer.trusted, ...keys.trusted] };
    assert.equal(signatureProblem(signed, both), undefined);
    assert.equal(signatureProblem(signManifest(aManifest(), both), both), undefined);
  });

  it('is wrong whatever of the manifest is changed', () => {
    const paths = leaves(signed).filter(([first]) => first !== 'signature');
    assert.ok(paths.length > 30);
    for (const path of paths) {
      const copy = structuredClone(signed);
      change(copy, path);
      assert.match(signatureProblem(copy, keys)?.message ?? '', /wrong signature/, path.join('.'));
    }
    const without = { ...signed };
    Reflect.deleteProperty(without, 'mlmd');
    assert.match(signatureProblem(without, keys)?.message ?? '', /wrong signature/);
    const value = Buffer.alloc(64).toString('base64');
    const forged = { ...signed, signature: { ...signed.signature!, value } };
    assert.match(signatureProblem(forged, keys)?.message ?? '', /wrong signature/);
  });

  it('can be checked by hand with jq and openssl, as the documentation says', async function () {
    await needs(this, 'jq', 'openssl');
    const directory = mkdtempSync(join(tmpdir(), 'signature-'));
    try {
      const text = `${JSON.stringify(signed, undefined, 2)}\n`;
      writeFileSync(join(directory, 'manifest.json'), text);
      const script = [
        `(echo '-----BEGIN PUBLIC KEY-----'; jq -r .signature.publicKey manifest.json; echo '-----END PUBLIC KEY-----') > key.pem`,
        'jq -r .signature.value manifest.json | base64 -d > signature',
        `jq 'del(.signature)' manifest.json > signed`,
        'openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in signed -sigfile signature',
      ];
      const { stdout } = await execa('sh', ['-ec', script.join('\n')], { cwd: directory });
      assert.match(stdout, /Signature Verified Successfully/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

/** The way to each value that is not an object. */
const leaves = (value: unknown): string[][] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, inner]) => {
        const below = leaves(inner);
        return below.length > 0 ? below.map((path) => [name, ...path]) : [[name]];
      })
    : [];

const change = (whole: object, path: readonly string[]): void => {
  let at = whole as Record<string, unknown>;
  for (const name of path.slice(0, -1)) at = at[name] as Record<string, unknown>;
  const last = path.at(-1) ?? '';
  at[last] = typeof at[last] === 'number' ? at[last] + 1 : `${JSON.stringify(at[last])}x`;
};
