import assert from 'node:assert/strict';
import { keyIn, snapshotIn, unseal } from '../../../src/volumes/restic/restic-seal.ts';
import { newKey, newKeyFile, seal } from '../../fakes/restic-seal.ts';

/* A repository that restic 0.18.0 has made. */
const password = 'the password of a test';
const keyFile =
  '{"created":"2026-11-27T11:06:33.905990189Z","username":"root","hostname":"vm","kdf":"scr' +
  'ypt","N":32768,"r":8,"p":2,"salt":"1VuEECgI+juQ3Oz606rioZF2GyMMDewdZWeY7nprMNKfuGbyYaqu2' +
  'wPfgNmR6ZohV0VwC3Rosiw9ygBCB/V6VQ==","data":"2oankXkiy3QEAdRbspsbruIR7gslMlSXgq8fzh0t1gc' +
  'inZ84umeLwCcX5b4AGR1VlJ+TVH4wrbc6IsRQAOnoDFuJFidgRA6rv8uye3Rw4GOyA00/33R2RIap7myYOqtkpe+' +
  'KZdHUM225wfUZ+paVlVUqtruq+zw9xheWGU67TXNuD4wESeR4ZEbQdhGQDR8vnDJCI2V6RQlnJXiAgWO1RA=="}';
const config =
  'S1/3GRV9riN4ILCDYB3rCIzpkjq7R3aqWgOFGsQC1Tn9Vd5GRAKgeb/DoMjU9d2Z0k3U3Jm7BCv5Z+lngcYu+Bku' +
  'aPrCQcc3xYjZ8eMy0XgviSmY9RCXTPF4w6FBEoP4RfvjDUKPJ7bnHP0tSa3nMCUwYIvv4xdTSE/FGMyPU2lHAcUa' +
  's4/jzy3tg6WbHYOaek89loVSWzX4X9M=';
/** Compressed. */
const snapshot =
  'PhfQTEqr55I3eihVgmFxzUIdMFY0s87S+/mCM5QghUppdob+JIhxDo0U26fBg7wcO1l1l4ZMnZ0kZ1pFERFezK2J' +
  'o7x6ZuzJPCQ85Xmku2VyHvpCPxhyqF8ahJDN5Zf5AUjiXP80MjTU8Yo2N0fzkqf2MmE1UYxnjS7hpSgrpWJ7kkvn' +
  'ghMsq/x6+ylxfdsi1LuStQ5ARKZRk2KGzru84LtBk1kZkJES0j0IloXZ7sgpkN9g7E3IOJhPyF0jMVHEaNcB0/Jh' +
  'Io+vC+9pnbj/wRyhXw3SLBeuHgp6cSZMJd9ol/TIZfeAIGZXrKnOLtqiLCyXAMsEHbjdWOXJMWXWGBsgwhOOBLWi' +
  'TUfpIbzo5iH4pd6nrWRPdcfvkmF1izB31qEoE0NZs+Md99U/FHpoIAFEkYthKOy8HR3MboO5+LzxQh5XnLQVsTet' +
  'q5E1V24M8SIp0J0maiJlbNhCfTH6DcZBUghU3MZYZpUTQYxoAc/R';

const bytes = (text: string): Buffer => Buffer.from(text, 'base64');

describe('what restic has sealed', () => {
  const key = keyIn(Buffer.from(keyFile), password);

  it('is opened with the password of the repository', () => {
    assert.ok(key);
    assert.match(
      unseal(key, bytes(config))?.toString() ?? '',
      /^\{"version":2,"id":"[0-9a-f]{64}"/,
    );
    assert.match(String(snapshotIn(key, bytes(snapshot))?.['tree']), /^[0-9a-f]{64}$/);
    assert.equal(keyIn(Buffer.from(keyFile), 'another password'), undefined);
  });

  it('is known by its MAC, at every bit', () => {
    assert.ok(key);
    for (const at of [0, 15, 16, 100, -17, -16, -1]) {
      const changed = bytes(snapshot);
      const byte = changed.at(at) ?? 0;
      changed[at < 0 ? changed.length + at : at] = byte ^ 1;
      assert.equal(unseal(key, changed), undefined, `byte ${at}`);
    }
    for (const length of [0, 4, 31, 32])
      assert.equal(unseal(key, bytes(snapshot).subarray(0, length)), undefined);
  });

  it('is no snapshot because somebody who has the password has sealed it', () => {
    assert.ok(key);
    for (const text of ['', 'junk', '{}', '\u0002junk', JSON.stringify({ tree: 'of life' })])
      assert.equal(snapshotIn(key, seal(key, text)), undefined, text);
    const tree = '0'.repeat(64);
    assert.deepEqual(snapshotIn(key, seal(key, JSON.stringify({ tree }))), { tree });
  });

  it('is not waited for when a key file asks for too much', () => {
    const file = (changes: object): Buffer =>
      Buffer.from(JSON.stringify({ ...(JSON.parse(keyFile) as object), ...changes }));
    for (const changes of [
      { N: 2 ** 30 },
      { N: 3 },
      { r: 2 ** 20 },
      { p: 2 ** 20 },
      { kdf: 'none' },
    ])
      assert.equal(keyIn(file(changes), password), undefined, JSON.stringify(changes));
    for (const text of ['', 'junk', 'null', '{}'])
      assert.equal(keyIn(Buffer.from(text), password), undefined);
  });

  it('is not opened by another key that the same password holds', () => {
    const other = keyIn(Buffer.from(newKeyFile(newKey(), password)), password);
    assert.ok(other);
    assert.equal(unseal(other, bytes(config)), undefined);
  });
});
