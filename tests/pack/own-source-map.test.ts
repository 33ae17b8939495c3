import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ownSourceMap } from '../../scripts/own-source-map.ts';

/** Bundles `own.ts`, which uses a package, into one line, as the charm is. */
const bundled = async (directory: string, own: string) => {
  const packageOf = join(directory, 'node_modules', 'theirs');
  await mkdir(packageOf, { recursive: true });
  await writeFile(join(packageOf, 'package.json'), '{ "name": "theirs", "main": "index.js" }');
  await writeFile(join(packageOf, 'index.js'), 'export const theirs = (n) => n * 2;\n');
  await writeFile(join(directory, 'own.ts'), own);
  const { outputFiles } = await build({
    ...{ absWorkingDir: directory, entryPoints: ['own.ts'], outfile: 'out/bundle.js' },
    ...{ bundle: true, format: 'esm', write: false, minifyWhitespace: true },
    ...{ sourcemap: true, sourcesContent: false },
  });
  const [map, code] = ['.map', '.js'].map(
    (end) => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '',
  );
  return { map: map ?? '', code: code ?? '' };
};

const places = (map: string, code: string) => {
  const found = new SourceMap(JSON.parse(map) as SourceMapPayload);
  return (word: string): { readonly originalSource?: string; readonly originalLine?: number } => {
    const before = code.slice(0, code.indexOf(word)).split('\n');
    return found.findEntry(before.length - 1, before.at(-1)?.length ?? 0);
  };
};

describe('the source map of a bundle', () => {
  it('names places in our own code, and none in packages', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'maps-'));
    const { map, code } = await bundled(
      directory.path,
      "import { theirs } from 'theirs';\n\nexport const first = 1;\nexport const fail = () => {\n  throw new Error(String(theirs(first)));\n};\n",
    );
    const own = ownSourceMap(map) ?? '';
    const whole = places(map, code);
    const kept = places(own, code);
    assert.equal(whole('n*2').originalSource, '../node_modules/theirs/index.js');
    assert.equal(kept('n*2').originalSource, undefined);
    const { originalSource, originalLine } = kept('throw');
    assert.deepEqual([originalSource, originalLine], ['../own.ts', 4]);
    assert.deepEqual((JSON.parse(own) as SourceMapPayload).sources, ['../own.ts']);
  });

  it('is left out of the charm when there is nothing of our own in it', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'maps-'));
    const { map } = await bundled(directory.path, "export { theirs } from 'theirs';\n");
    assert.equal(ownSourceMap(map), undefined);
  });
});
