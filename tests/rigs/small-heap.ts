import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * Runs a program of the tests in a heap of 32 MB, which what it lists would not fit into, and
 * resolves with the JSON that it prints. It has as long as the machine needs.
 */
export const inSmallHeap = async (
  program: string,
  ...words: readonly (number | string)[]
): Promise<unknown> => {
  const limits = ['--max-semi-space-size=2', '--max-old-space-size=32'];
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...limits,
    program,
    ...words.map(String),
  ]);
  return JSON.parse(stdout);
};
