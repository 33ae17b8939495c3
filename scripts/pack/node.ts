import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { type BundledPackage, type Lock, locked } from './packages.ts';

/** Juju's name of an architecture to the part of the package's name that Node uses for it. */
export const architectures = { amd64: 'x64', arm64: 'arm64' } as const;

export type Architecture = keyof typeof architectures;

export interface NodeRuntime {
  readonly package: BundledPackage;
  /** The executable. */
  readonly binary: Uint8Array;
  readonly licence: string;
}

/** Puts the registry's archive of `name@version` into a directory and returns its path. */
export type FetchArchive = (specifier: string, directory: string) => Promise<string>;

/**
 * The Node of the lock file for an architecture. That of this machine is what `npm ci` installed
 * and checked; another one is fetched in exactly the version of the lock, and refused when it is
 * not the archive whose checksum stands there.
 */
export const nodeRuntime = async (
  root: string,
  architecture: Architecture,
  lock: Lock,
  fetchArchive: FetchArchive = npmPack(root),
): Promise<NodeRuntime> => {
  const runtime = locked(`node_modules/node-linux-${architectures[architecture]}`, lock);
  const installed = join(root, runtime.directory);
  const version = await installedVersion(installed);
  if (version === runtime.version) return readRuntime(installed, runtime);
  if (version !== undefined)
    throw new Error(
      `${runtime.directory} is ${version}, but the lock file says ${runtime.version}: run npm ci`,
    );
  const scratch = await mkdtemp(join(tmpdir(), 'node-'));
  try {
    const archive = await fetchArchive(`${runtime.name}@${runtime.version}`, scratch);
    const digest = createHash('sha512')
      .update(await readFile(archive))
      .digest('base64');
    if (`sha512-${digest}` !== runtime.integrity)
      throw new Error(
        `${runtime.name}@${runtime.version} is not the archive whose checksum stands in package-lock.json; nothing was packed`,
      );
    await execa('tar', ['-xzf', archive, '-C', scratch, 'package']);
    return await readRuntime(join(scratch, 'package'), runtime);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

const readRuntime = async (directory: string, runtime: BundledPackage): Promise<NodeRuntime> => ({
  package: runtime,
  binary: await readFile(join(directory, 'bin/node')),
  licence: await readFile(join(directory, 'LICENSE'), 'utf8'),
});

/**
 * Undefined when the package is not installed, as npm leaves out what is for another architecture.
 */
const installedVersion = async (directory: string): Promise<string | undefined> => {
  const json = await readFile(join(directory, 'package.json'), 'utf8').catch(() => undefined);
  return json === undefined ? undefined : /"version":\s*"([^"]+)"/.exec(json)?.[1];
};

const npmPack =
  (root: string): FetchArchive =>
  async (specifier, directory) => {
    const options = ['--pack-destination', directory, '--ignore-scripts', '--silent'];
    const { stdout, stderr, failed } = await execa('npm', ['pack', specifier, ...options], {
      cwd: root,
      reject: false,
    });
    if (failed)
      throw new Error(
        `${specifier}, the lock file's Node for the other architecture, is neither in npm's cache nor given by the registry; nothing was packed. npm says: ${stderr || 'nothing'}`,
      );
    return join(directory, stdout.trim());
  };
