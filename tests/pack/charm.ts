import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeArchive } from '../../scripts/pack/archive.ts';
import { charmContents } from '../../scripts/pack/contents.ts';

const unzip = `
import json, os, sys, zipfile
modes = {}
with zipfile.ZipFile(sys.argv[1]) as archive:
    for entry in archive.infolist():
        path = archive.extract(entry, sys.argv[2])
        mode = entry.external_attr >> 16
        os.chmod(path, mode & 0o777)
        modes[entry.filename] = oct(mode)
print(json.dumps(modes))
`;

export interface UnpackedCharm extends AsyncDisposable {
  readonly directory: string;
  /** The unix modes that the archive has, in octal, by path. */
  readonly modes: Readonly<Record<string, string>>;
}

/**
 * Unpacks an archive with another zip than the one that wrote it, and with its modes, as Juju does.
 */
export const unpack = async (
  archive: string,
  directory: string,
): Promise<UnpackedCharm['modes']> => {
  const { stdout } = await promisify(execFile)('python3', ['-c', unzip, archive, directory]);
  return JSON.parse(stdout) as UnpackedCharm['modes'];
};

/**
 * Packs the charm of this machine's architecture and unpacks it into a directory of its own, away
 * from the checkout.
 */
export const unpackedCharm = async (): Promise<UnpackedCharm> => {
  const parent = await mkdtemp(join(tmpdir(), 'charm-'));
  const root = join(import.meta.dirname, '..', '..');
  const contents = await charmContents(root, process.arch === 'arm64' ? 'arm64' : 'amd64');
  const archive = join(parent, 'ckf-backup.charm');
  await writeArchive(archive, contents, 1);
  const directory = join(parent, 'charm');
  const modes = await unpack(archive, directory);
  return {
    directory,
    modes,
    [Symbol.asyncDispose]: () => rm(parent, { recursive: true, force: true }),
  };
};
