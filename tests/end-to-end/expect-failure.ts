import assert from 'node:assert/strict';
import { type ErrorCode, longestMessage } from '../../src/errors.ts';
import type { ActionRun } from '../sandbox/box/actions.ts';
import type { Box } from '../sandbox/box.ts';
import { assertNoSecrets } from './no-secrets.ts';

/**
 * Runs a backup that must fail with this code, and checks what every failure promises: the message
 * is plain text that ends with the code, the process ended well, every scale is as before, no set
 * is listed, nothing is left running, and no secret was let out.
 */
export const expectFailure = async (
  box: Box,
  code: ErrorCode,
  parameters: Readonly<Record<string, unknown>> = {},
): Promise<ActionRun> => {
  const scales = box.scales();
  const setsBefore = setsIn(box);
  const run = await box.run('backup-control-plane', parameters);
  assert.equal(run.dispatch.exitCode, 0, JSON.stringify([run.results, run.dispatch.logs]));
  assert.equal(run.status, 'failed', JSON.stringify(run.results));
  assert.ok(run.message.includes(`[${code}]`), run.message);
  assert.match(run.message, /^[^\n]+ \[[a-z-]+\]$/);
  assert.ok(run.message.length <= longestMessage, run.message);
  assert.equal(run.dispatch.exitCode, 0);
  assert.deepEqual(box.scales(), scales);
  assert.deepEqual(setsIn(box), setsBefore);
  assertNothingRuns(box);
  assertNoSecrets(box, run);
  return run;
};

/** The manifests in the target, whatever a test did to its network. */
const setsIn = ({ stores, prefix }: Box): readonly string[] =>
  stores.target.contents
    .keys(stores.backups.bucket, `${prefix}/sets/`)
    .filter((key) => key.endsWith('/manifest.json'));

export const assertNothingRuns = (box: Box): void => {
  assert.equal(box.kubernetes.running, 0);
  const open = box.model.state.tasks.filter(({ completed }) => completed === undefined);
  assert.deepEqual(open, []);
};
