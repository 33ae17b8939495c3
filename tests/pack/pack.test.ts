import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type UnpackedCharm, unpackedCharm } from './charm.ts';
import { startBox } from '../sandbox/box.ts';
import { newUnit } from '../servers/unit-agent/state.ts';
import { startUnitAgent } from '../servers/unit-agent/unit-agent.ts';

describe('the packed charm', () => {
  // Node is 120 MB to be packed and unpacked.
  let charm: UnpackedCharm;

  before(async () => {
    charm = await unpackedCharm();
  });

  after(() => charm[Symbol.asyncDispose]());

  it('holds what runs, what Juju and Charmhub read, the licences and the bill of materials, and nothing else', () => {
    const paths = Object.keys(charm.modes);
    const bundled = (path: string): boolean =>
      /^dist\/[\w.-]+\.js(\.map|\.LEGAL\.txt)?$/.test(path);
    assert.ok(paths.includes('dist/main.js'));
    assert.deepEqual(
      paths.filter((path) => !bundled(path)),
      [
        'LICENSE',
        'actions.yaml',
        'config.yaml',
        'dispatch',
        'icon.svg',
        'licences.txt',
        'manifest.yaml',
        'metadata.yaml',
        'node_modules/.bin/node',
        'sbom.cdx.json',
      ],
    );
  });

  it('keeps what is executable executable, and all else readable only', () => {
    const executable = ['dispatch', 'dist/main.js', 'node_modules/.bin/node'];
    for (const [path, mode] of Object.entries(charm.modes))
      assert.equal(mode, executable.includes(path) ? '0o100755' : '0o100644', path);
  });

  it('ends dispatch with a file of the charm, as charmcraft’s linter wants it', async () => {
    const dispatch = await readFile(join(charm.directory, 'dispatch'), 'utf8');
    const entrypoint = dispatch.trim().split(/\s+/).at(-1) ?? '';
    assert.equal(charm.modes[entrypoint], '0o100755', entrypoint);
  });

  it('names the base and the architecture that Juju may deploy it to', async () => {
    const manifest: unknown = parse(await readFile(join(charm.directory, 'manifest.yaml'), 'utf8'));
    const architectures = [process.arch === 'arm64' ? 'arm64' : 'amd64'];
    assert.deepEqual(manifest, { bases: [{ name: 'ubuntu', channel: '24.04', architectures }] });
  });

  it('mentions no path of the machine that packed it', async () => {
    for (const path of Object.keys(charm.modes).filter(
      (name) => name !== 'node_modules/.bin/node',
    )) {
      const text = await readFile(join(charm.directory, path), 'utf8');
      assert.ok(!text.includes(join(import.meta.dirname, '../..')), path);
    }
  });

  it('runs a hook, with the environment that Juju gives and nothing of the checkout', async () => {
    await using agent = await startUnitAgent({ charm: charm.directory });
    await agent.attachStorage('journal');
    const hook = await agent.dispatch({ hook: 'install' });
    assert.deepEqual([hook.exitCode, hook.stdout, hook.stderr], [0, '', '']);
    assert.equal(agent.state.unitStatus.status, 'blocked');
    assert.match(agent.state.workloadVersion, /^\d+\.\d+\.\d+$/);
  });

  it('runs an action', async () => {
    const state = newUnit({ config: { components: 'mlmd' } });
    await using agent = await startUnitAgent({ charm: charm.directory, state });
    await agent.attachStorage('journal');
    const run = await agent.dispatch({ action: 'check' });
    assert.equal(run.exitCode, 0, run.stderr);
    assert.equal(run.action?.status, 'failed');
    assert.match(run.action.message, /\[juju-credentials-missing\]/);
  });

  it('makes a backup in the model in a box', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'box-'));
    try {
      await using box = await startBox({ directory, charm: charm.directory, small: true, pace: 1 });
      const run = await box.run('backup-control-plane');
      assert.equal(run.status, 'completed', run.message);
      assert.equal(run.results['consistent'], 'true');
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
