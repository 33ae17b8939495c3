import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { transform } from 'esbuild';

const root = join(import.meta.dirname, '../..');

describe('the coverage of the tests', () => {
  it('leaves out the files that have types only, and no other: nothing of them ever runs', async () => {
    const onlyTypes: string[] = [];
    for await (const file of glob('src/**/*.ts', { cwd: root })) {
      const source = await readFile(join(root, file), 'utf8');
      const { code } = await transform(source, { loader: 'ts', minify: true });
      if (code.trim() === '') onlyTypes.push(file);
    }
    const { exclude } = JSON.parse(await readFile(join(root, '.c8rc.json'), 'utf8')) as {
      readonly exclude: readonly string[];
    };
    assert.deepEqual(exclude, onlyTypes.toSorted());
  });
});
