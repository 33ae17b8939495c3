import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * To be called first in a test that runs programs which are not part of the project. Without one of them the test counts as
 * skipped, never as passed, and says what was missing; `.ci/run` installs them all. The only place that skips a test.
 */
export const needs = async (test: Mocha.Context, ...programs: readonly string[]): Promise<void> => {
  const found = await Promise.all(programs.map(isInstalled));
  const missing = programs.filter((_, index) => found[index] !== true);
  if (missing.length === 0) return;
  process.stdout.write(`not run without ${missing.join(', ')}: ${test.test?.fullTitle() ?? ''}\n`);
  test.skip();
};

const isInstalled = async (program: string): Promise<boolean> =>
  promisify(execFile)('sh', ['-c', 'command -v "$1"', 'sh', program]).then(
    () => true,
    () => false,
  );
