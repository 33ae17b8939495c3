import assert from 'node:assert/strict';
import { readFileSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { says, saysUntrusted } from '../../src/wordings.ts';

const source = join(import.meta.dirname, '../../src');

/** Ways in which code compares a text that somebody else wrote. */
const comparisons =
  /\.(message|info)\.(includes|startsWith|endsWith|match)\(|\.test\([^)]*\.(message|info)\)/;

describe('the texts of Juju and mysql-k8s', () => {
  it('are compared in wordings.ts and nowhere else', () => {
    const elsewhere = globSync('**/*.ts', { cwd: source })
      .filter((file) => file !== 'wordings.ts')
      .flatMap((file) =>
        readFileSync(join(source, file), 'utf8')
          .split('\n')
          .filter((line) => comparisons.test(line))
          .map((line) => `${file}: ${line.trim()}`),
      );
    assert.deepEqual(elsewhere, []);
  });

  it('mean what each release of Juju means by them', () => {
    for (const text of [
      'permission denied',
      '"ckf-backup/0" is not allowed to read this secret',
      '"ckf-backup/13" is not allowed to read this secret',
    ])
      assert.ok(says(text, 'secretDenied'), text);
    assert.ok(says('secret "d3n8r2e5kg0c73fhvb10" not found', 'secretUnknown'));
    assert.ok(
      says(
        'invalid value "journal/19" for option -s: mount point for storage attachment "storage-journal-19" for unit "ckf-backup/1" missing',
        'storageNotMounted',
      ),
    );
    assert.ok(!says('connection is shut down', 'secretDenied'));
    assert.ok(saysUntrusted('permission denied'));
    assert.ok(!saysUntrusted('open /var/run/secrets/token: permission denied'));
  });
});
