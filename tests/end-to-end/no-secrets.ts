import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import type { ActionRun } from '../sandbox/box/actions.ts';
import type { Box } from '../sandbox/box.ts';

/**
 * No password or key of the box may be in anything that Juju keeps or shows: output, logs,
 * statuses, results, command lines.
 */
export const assertNoSecrets = (box: Box, run: ActionRun): void => {
  const { dispatch, message, results, log } = run;
  const { stdout, stderr, statuses, logs, calls } = dispatch;
  assertHidden(box, { message, results, log, stdout, stderr, statuses, logs, calls });
};

/**
 * No password or key of the box stands in this, in any of the forms that one could slip through in.
 */
export const assertHidden = (box: Box, seen: unknown): void => {
  const shown = JSON.stringify(seen);
  for (const [name, secret] of Object.entries(box.secrets))
    for (const form of formsOf(secret))
      assert.ok(!shown.includes(form), `${name} was let out: ${around(shown, form)}`);
};

const formsOf = (secret: string): readonly string[] =>
  [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('hex'),
    // As the name and password of HTTP's basic authentication, at each offset that base64 can have.
    ...['x', 'xx'].map((before) =>
      Buffer.from(before + secret)
        .toString('base64')
        .slice(4, -4),
    ),
  ].map((form) => JSON.stringify(form).slice(1, -1));

const around = (text: string, form: string): string => {
  const at = text.indexOf(form);
  return `${text.slice(Math.max(0, at - 60), at)}<here>${text.slice(at + form.length, at + form.length + 30)}`;
};

/**
 * The command lines of all processes of this machine, looked at all the time until it is disposed
 * of.
 */
export const watchCommandLines = (): { readonly seen: ReadonlySet<string> } & Disposable => {
  const seen = new Set<string>();
  const look = (): void => {
    for (const name of readdirSync('/proc'))
      if (/^\d+$/.test(name)) seen.add(commandLine(name).replaceAll('\0', ' '));
  };
  const timer = setInterval(look, 10);
  return {
    seen,
    [Symbol.dispose]() {
      clearInterval(timer);
    },
  };
};

const commandLine = (id: string): string => {
  try {
    return readFileSync(`/proc/${id}/cmdline`, 'utf8');
  } catch {
    // It has ended since.
    return '';
  }
};
