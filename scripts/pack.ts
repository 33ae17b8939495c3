/*
 * npm run pack
 *   writes ckf-backup_ubuntu@24.04-<architecture>.charm, for this machine's architecture
 * npm run pack -- --arch arm64
 *   for another one, with the Node that the lock file names for it
 * npm run pack -- --output charms
 *   into another directory
 * npm run pack -- --directory install
 *   writes the files themselves, without those that charmcraft writes; charmcraft.yaml does this
 */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writeArchive } from './pack/archive.ts';
import { charmContents, charmFiles } from './pack/contents.ts';
import { type Architecture, architectures } from './pack/node.ts';

const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: process.arch === 'x64' ? 'amd64' : process.arch },
    output: { type: 'string', default: '.' },
    directory: { type: 'string' },
  },
});
const isArchitecture = (name: string): name is Architecture => name in architectures;
const known = Object.keys(architectures).join(' and ');
if (!isArchitecture(values.arch))
  throw new Error(`there is no charm for ${values.arch}, only for ${known}`);

const root = join(import.meta.dirname, '..');
const files = await charmContents(root, values.arch);
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const unpacked = files.reduce((sum, { contents }) => sum + contents.length, 0);

if (values.directory !== undefined) {
  const written: ReadonlySet<string> = new Set(charmFiles);
  for (const { path, contents, executable } of files) {
    if (written.has(path)) continue;
    const target = join(resolve(values.directory), path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, contents, { mode: executable ? 0o755 : 0o644 });
  }
} else {
  await mkdir(values.output, { recursive: true });
  const charm = join(values.output, `ckf-backup_ubuntu@24.04-${values.arch}.charm`);
  await writeArchive(charm, files);
  const { size } = await stat(charm);
  console.log(
    `${charm}: ${megabytes(size)}, ${files.length} files, ${megabytes(unpacked)} unpacked`,
  );
}
