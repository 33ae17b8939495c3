import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** What operators read. */
const files = (): readonly string[] =>
  execFileSync('git', ['ls-files', '*.md', '*.yaml', 'src'], { cwd: root })
    .toString()
    .split('\n')
    .filter((file) => file !== '' && file !== 'CHANGELOG.md');

const filesWith = (pattern: RegExp): readonly string[] =>
  files().filter((file) => pattern.test(readFileSync(join(root, file), 'utf8')));

describe('the commands of Juju that are recommended', () => {
  it('show an action while it runs: show-operation --watch prints nothing before the end on Juju 4.0', () => {
    assert.deepEqual(filesWith(/show-operation[^\n]*--watch/), []);
  });

  it('keep what a secret holds out of the history of the shell', () => {
    assert.deepEqual(
      filesWith(/(add|update)-secret[^\n;]* (password|secret-key|private-key|key|url)=/),
      [],
    );
  });
});
