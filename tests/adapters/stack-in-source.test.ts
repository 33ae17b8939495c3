import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { stackInSource } from '../../src/adapters/stack-in-source.ts';

describe('a stack trace', () => {
  it('names the places in the sources, and leaves lines without a map alone', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'stack-'));
    const source = join(directory.path, 'src.ts');
    const bundled = join(directory.path, 'bundle.js');
    await writeFile(
      source,
      "interface Gone { readonly from: 'the bundle' }\n\nexport const fail = (): Gone => {\n  throw new Error('at all');\n};\n",
    );
    await build({
      ...{ entryPoints: [source], outfile: bundled, format: 'esm', bundle: true },
      sourcemap: true,
    });
    const { fail } = (await import(pathToFileURL(bundled).href)) as { fail: () => never };
    const error = ((): unknown => {
      try {
        return fail();
      } catch (thrown) {
        return thrown;
      }
    })();
    assert.ok(error instanceof Error && error.stack !== undefined);
    const stack = await stackInSource(error.stack);
    assert.match(stack, /^Error: at all\n {4}at fail \(.*src\.ts:4:9\)$/m);
    assert.deepEqual(stack.split('\n').slice(2), error.stack.split('\n').slice(2));
  });
});
