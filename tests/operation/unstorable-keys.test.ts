import assert from 'node:assert/strict';
import fc from 'fast-check';
import { openS3 } from '../../src/adapters/s3/s3.ts';
import { longestMessage } from '../../src/errors.ts';
import { unstorableKeys } from '../../src/operation/unstorable-keys.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { quickClock } from '../fakes/fast-clock.ts';
import { sourceIn, targetIn } from '../rigs/target.ts';
import type { S3ProfileName } from '../servers/s3/profiles.ts';
import { startS3Server, testUser } from '../servers/s3/server.ts';

const long = `runs/${'n'.repeat(256)}/model`;

/** The messages about a source with these keys, and what is left in the target. */
const problemsOf = async (profile: S3ProfileName, keys: readonly string[]) => {
  await using server = await startS3Server({ profile, buckets: ['backups'] });
  await using store = openS3({
    ...{ endpoint: server.url, region: undefined, bucket: 'backups', style: 'path' as const },
    ...{ ...testUser, clock: quickClock },
  });
  const source = new FakeObjectStore();
  for (const key of keys) source.seed(key, 'x');
  const problems = await unstorableKeys(sourceIn(source), targetIn(store));
  assert.deepEqual(server.contents.keys('backups'), []);
  for (const { code, message } of problems) {
    assert.equal(code, 'keys-refused');
    assert.ok(message.length + ' [keys-refused]'.length <= longestMessage, message);
  }
  return problems.map(({ message }) => message);
};

describe('what a target cannot hold', () => {
  it('is nothing on a server that takes every key', async () => {
    const keys = [long, 'a', 'a/b', 'c/. /d', 'e//f', 'g/../h'];
    assert.deepEqual(await problemsOf('target', keys), []);
    assert.deepEqual(await problemsOf('radosgw-16', keys), []);
  });

  for (const profile of ['minio-2021', 'minio-2025'] as const) {
    it(`is named with the reason before anything is copied: ${profile}`, async () => {
      const problems = await problemsOf(profile, [
        ...[long, 'a', 'a/b', 'a/b/c', 'c/. /d', 'e//f', 'g/../h'],
      ]);
      assert.equal(problems.length, 5);
      const [below, odd, empty, dots, tooLong] = problems;
      assert.match(
        below!,
        /cannot hold 2 objects of the bucket mlpipeline, such as "a\/b": the key begins/,
      );
      assert.match(
        odd!,
        /cannot hold 1 object .* "c\/\. \/d": a name between two slashes is \. or \.\. but for/,
      );
      assert.match(empty!, /cannot hold 1 object .* "e\/\/f": a name between two slashes is empty/);
      assert.match(dots!, /cannot hold 1 object .* "g\/\.\.\/h": a name .* is \. or \.\.\. Noth/);
      assert.match(
        tooLong!,
        /cannot hold 1 object .*: a name between two slashes has more than 255/,
      );
      for (const message of problems) assert.match(message, /Nothing was copied. Rename/);
    });

    it(`is not what it can hold: ${profile}`, async () => {
      const keys = ['a!', 'a!b', 'a/', 'a/b', 'b', 'c/d.', 'c/..d', `${'n'.repeat(255)}/x`, 'ab/c'];
      assert.deepEqual(
        await problemsOf(
          profile,
          keys.filter((key) => key !== 'a/'),
        ),
        [],
      );
    });
  }

  it('is what another key would be stored for, each kind by itself', async () => {
    const problems = await problemsOf('versitygw', [
      ...['c/. /d', 'e//f', 'e/f', 'g/../h', 'i/', 'j\u0001'],
    ]);
    assert.deepEqual(
      problems.map((message) => /such as ("[^"]*"): (.*?)\. Nothing/.exec(message)?.slice(1)),
      [
        ['"e//f"', 'a name between two slashes is empty'],
        ['"g/../h"', 'a name between two slashes is . or ..'],
        ['"i/"', 'the key ends with a slash, and the object is not empty'],
        [String.raw`"j\u0001"`, 'the key has a control character'],
      ],
    );
  });

  it('is found whatever keys stand between an object and what lies below it', async () => {
    const key = fc.string({
      unit: fc.constantFrom('a', 'b', '/', '!', '0'),
      minLength: 1,
      maxLength: 6,
    });
    await using server = await startS3Server({ profile: 'minio-2021', buckets: ['backups'] });
    await using store = openS3({
      ...{ endpoint: server.url, region: undefined, bucket: 'backups', style: 'path' as const },
      ...{ ...testUser, clock: quickClock },
    });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(key, { maxLength: 8 }), async (keys) => {
        const source = new FakeObjectStore();
        for (const one of keys) source.seed(one, 'x');
        const problems = await unstorableKeys(sourceIn(source), targetIn(store));
        const below = keys.filter((one) =>
          keys.some((other) => !other.endsWith('/') && one.startsWith(`${other}/`)),
        );
        const told = problems.filter(({ message }) => message.includes('the key begins'));
        assert.equal(told.length, below.length > 0 ? 1 : 0, keys.join(' '));
        if (below.length > 0)
          assert.match(told[0]!.message, new RegExp(`cannot hold ${below.length} object`));
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });
});
