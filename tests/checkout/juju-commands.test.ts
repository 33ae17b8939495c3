import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

describe('the commands of Juju that are recommended', () => {
  it('show an action while it runs: show-operation --watch prints nothing before the end on Juju 4.0', () => {
    const files = execFileSync('git', ['ls-files', '*.md', '*.yaml', 'src'], { cwd: root })
      .toString()
      .split('\n')
      .filter((file) => file !== '' && file !== 'CHANGELOG.md');
    const wrong = files.filter((file) =>
      /show-operation[^\n]*--watch/.test(readFileSync(join(root, file), 'utf8')),
    );
    assert.deepEqual(wrong, []);
  });
});
