import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Keeps a second process off a box. What a killed process left behind does not count. */
export const lockDirectory = (directory: string): Disposable => {
  const file = join(directory, 'pid');
  const holder = holderOf(file);
  if (holder !== undefined && isAlive(holder))
    throw new Error(`process ${holder} is working on this box; wait until it has ended`);
  writeFileSync(file, String(process.pid));
  return {
    [Symbol.dispose]: () => {
      rmSync(file, { force: true });
    },
  };
};

const holderOf = (file: string): number | undefined => {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
