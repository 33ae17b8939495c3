import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readSigningKeys } from '../../src/config/signing-keys.ts';
import { publicKeyText } from '../../src/repository/signature.ts';
import { FakeHookTools } from '../fakes/hook-tools.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';

const id = 'secret:d3n8r2e5kg0c73fhvb11';
const pem = (key: KeyObject): string =>
  key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'pem' }).toString();

const read = async (content: Record<string, string> | undefined, granted = true) => {
  const tools = new FakeHookTools();
  if (content) tools.secrets.set(id, { content, granted, grants: [] });
  return readSigningKeys(tools, { signingKey: id }, 'ckf-backup');
};

describe('the secret of signing-key', () => {
  const own = generateKeyPairSync('ed25519');
  const earlier = [1, 2].map(() => generateKeyPairSync('ed25519').publicKey);

  it('gives the key that signs, and those that are trusted', async () => {
    assert.equal(
      await readSigningKeys(new FakeHookTools(), { signingKey: undefined }, 'x'),
      undefined,
    );
    const keys = await read({
      'private-key': pem(own.privateKey),
      'public-keys': earlier.map(pem).join(''),
    });
    assert.ok(keys?.signs);
    assert.deepEqual(
      keys.trusted.map(publicKeyText),
      [own.publicKey, ...earlier].map(publicKeyText),
    );
  });

  it('may have public keys only, where nothing is signed', async () => {
    const keys = await read({ 'public-keys': pem(own.publicKey) });
    assert.equal(keys?.signs, undefined);
    assert.equal(keys?.trusted.length, 1);
  });

  it('is refused with the command that mends it, and never shown', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const wrong = [
      [undefined, /does not exist.*juju config ckf-backup signing-key=/],
      [{}, /neither/],
      [{ 'private-key': 'hushhush' }, /private-key that is not/],
      [{ 'private-key': pem(rsa.privateKey) }, /private-key that is not/],
      [
        {
          'private-key': pem(own.privateKey),
          'public-keys': pem(earlier[0]!) + pem(rsa.publicKey),
        },
        /number 2/,
      ],
    ] as const;
    for (const [content, text] of wrong) {
      const { message } = await rejectsWithCode(read(content), 'secret-unreadable');
      assert.match(message, text);
      assert.match(message, /Run: juju /);
      assert.doesNotMatch(message, /hush/);
    }
    const { message } = await rejectsWithCode(
      read({ 'private-key': 'x' }, false),
      'secret-unreadable',
    );
    assert.match(message, /juju grant-secret secret:d3n8r2e5kg0c73fhvb11 ckf-backup/);
  });
});
