import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';

export interface PackedFile {
  /** In the charm, with slashes. */
  readonly path: string;
  readonly contents: Uint8Array;
  readonly executable: boolean;
}

/**
 * Writes a zip archive. The same files give the same archive whatever their order, the time and the
 * time zone. Modes are 755 and 644, and there are no entries for directories, as in what charmcraft
 * writes. The file appears when it is complete.
 *
 * @param level of compression, 0 to 9
 */
export const writeArchive = async (
  file: string,
  files: readonly PackedFile[],
  level = 9,
): Promise<void> => {
  const zip = new ZipFile();
  for (const { path, contents, executable } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1)))
    zip.addBuffer(Buffer.from(contents.buffer, contents.byteOffset, contents.length), path, {
      // The format has local times: this is one of them, whatever the zone.
      mtime: new Date(2000, 0, 1),
      forceDosTimestamp: true,
      mode: executable ? 0o100755 : 0o100644,
      compressionLevel: level,
    });
  zip.end();
  const unfinished = `${file}.part`;
  try {
    await pipeline(zip.outputStream, createWriteStream(unfinished));
    await rename(unfinished, file);
  } finally {
    await rm(unfinished, { force: true });
  }
};
