import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Replaces a file so that after a crash it holds the old text or the new one. Resolves when the new one is on the disk. The text is first
 * written beside it, always under one name, so that what a crash leaves there does not pile up. One writer at a time.
 */
export const writeDurably = async (path: string, text: string): Promise<void> => {
  const beside = `${path}.new`;
  try {
    {
      await using file = await open(beside, 'w', 0o600);
      await file.writeFile(text);
      await file.sync();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
};

/** A new name, or a name gone, is on the disk only when its directory is. */
export const syncDirectory = async (path: string): Promise<void> => {
  await using directory = await open(path, 'r');
  await directory.sync();
};
