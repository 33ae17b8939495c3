import assert from 'node:assert/strict';
import type { ActionRun } from '../sandbox/box/actions.ts';
import type { Box } from '../sandbox/box.ts';

/** No password or key of the box may be in anything that Juju keeps or shows: output, logs, statuses, results, command lines. */
export const assertNoSecrets = (box: Box, run: ActionRun): void => {
  const { dispatch, message, results, log } = run;
  const { stdout, stderr, statuses, logs, calls } = dispatch;
  const shown = JSON.stringify({ message, results, log, stdout, stderr, statuses, logs, calls });
  for (const [name, secret] of Object.entries(box.secrets))
    assert.ok(!shown.includes(secret), `${name} was let out`);
};
