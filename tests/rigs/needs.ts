import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { volumeTool } from '../sandbox/box/volume-tools.ts';

/**
 * To be called first in a test that runs programs which are not part of the project. Without one of
 * them the test counts as skipped, never as passed, and says what was missing; `.ci/run` installs
 * them all. The only place that skips a test.
 */
export const needs = async (test: Mocha.Context, ...programs: readonly string[]): Promise<void> => {
  const found = await Promise.all(programs.map(isInstalled));
  const missing = programs.filter((_, index) => found[index] !== true);
  if (missing.length === 0) return;
  process.stdout.write(`not run without ${missing.join(', ')}: ${test.test?.fullTitle() ?? ''}\n`);
  test.skip();
};

/**
 * As `needs`, for restic and rclone of versions that Debian 12 does not have:
 * `scripts/volume-tools` brings them.
 */
export const needsVolumeTools = async (test: Mocha.Context): Promise<void> => {
  const missing = ['restic', 'rclone'].filter((name) => volumeTool(name) === undefined);
  if (missing.length > 0)
    await needs(test, ...missing.map((name) => `${name} (scripts/volume-tools)`));
};

const isInstalled = async (program: string): Promise<boolean> =>
  promisify(execFile)('sh', ['-c', 'command -v "$1"', 'sh', program]).then(
    () => true,
    () => false,
  );
