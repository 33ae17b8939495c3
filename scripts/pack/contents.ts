import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { bundle } from '../bundle.ts';
import type { PackedFile } from './archive.ts';
import { licencesText } from './licences.ts';
import { type Architecture, type FetchArchive, nodeRuntime } from './node.ts';
import { bundledPackages, readLock } from './packages.ts';
import { sbomOf } from './sbom.ts';
import packageJson from '../../package.json' with { type: 'json' };

/** What charmcraft puts into a charm by itself, and Juju reads. */
export const charmFiles = [
  'metadata.yaml',
  'config.yaml',
  'actions.yaml',
  'manifest.yaml',
] as const;

/** Everything that is in the charm of an architecture, and nothing else is. */
export const charmContents = async (
  root: string,
  architecture: Architecture,
  fetchArchive?: FetchArchive,
): Promise<readonly PackedFile[]> => {
  const lock = await readLock(root);
  const node = await nodeRuntime(root, architecture, lock, fetchArchive);
  const { files, metafile } = await bundle();
  const packages = bundledPackages(metafile, lock);
  const own = ['LICENSE', 'icon.svg', 'metadata.yaml', 'config.yaml', 'actions.yaml'];
  const licences = await licencesText(root, packages, node.package, node.licence);
  const sbom = sbomOf(packageJson, packages, node.package);
  return [
    { ...(await fileOf(root, 'dispatch')), executable: true },
    ...[...files].map(([path, contents]) => ({
      path,
      contents,
      executable: path === 'dist/main.js',
    })),
    { path: 'node_modules/.bin/node', contents: node.binary, executable: true },
    ...(await Promise.all(own.map((path) => fileOf(root, path)))),
    textFile('manifest.yaml', stringify(manifestOf(architecture))),
    textFile('licences.txt', licences),
    textFile('sbom.cdx.json', `${JSON.stringify(sbom, undefined, 2)}\n`),
  ];
};

/**
 * With `bases`, Juju takes a charm without containers for one of today's form (Juju 3.6,
 * state/application.go `IsSidecar`).
 */
const manifestOf = (architecture: Architecture): object => ({
  bases: [{ name: 'ubuntu', channel: '24.04', architectures: [architecture] }],
});

const fileOf = async (root: string, path: string): Promise<PackedFile> => ({
  path,
  contents: await readFile(join(root, path)),
  executable: false,
});

const textFile = (path: string, text: string): PackedFile => ({
  path,
  contents: Buffer.from(text),
  executable: false,
});
