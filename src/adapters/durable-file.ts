import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Replaces a file so that after a crash it holds the old text or the new one. Resolves when the new
 * one is on the disk. The text is first written to a temporary file that always has the same name,
 * so that crashes leave one such file at most. One writer at a time.
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

/** A file that was made or removed is so on the disk only when its directory was synced. */
export const syncDirectory = async (path: string): Promise<void> => {
  await using directory = await open(path, 'r');
  await directory.sync();
};
