/**
 * Something that must be true after the demo. Resolves with what was seen; throws when it is not
 * so.
 */
export interface Check {
  readonly claim: string;
  readonly prove: () => Promise<string> | string;
}

/** Runs every check, also after one failed, prints a line for each and the sum. */
export const runChecks = async (
  checks: readonly Check[],
  print: (line: string) => void,
): Promise<boolean> => {
  let failed = 0;
  for (const { claim, prove } of checks) {
    try {
      print(`  ok      ${claim}: ${await prove()}`);
    } catch (error) {
      failed += 1;
      print(`  FAILED  ${claim}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  print(`\n${checks.length - failed} checks passed, ${failed} failed`);
  return failed === 0;
};
