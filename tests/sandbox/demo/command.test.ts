import assert from 'node:assert/strict';
import { join } from 'node:path';
import { readCharmFiles } from '../../servers/unit-agent/charm.ts';
import { readCommand, readLine } from './command.ts';
import { fit } from './fit.ts';
import { helpText } from './help.ts';

const charm = readCharmFiles(join(import.meta.dirname, '../../..'));
const read = (...words: readonly string[]) => readCommand(words, charm);

const whyNot = (...words: readonly string[]): string => {
  const command = read(...words);
  return command.kind === 'wrong' ? command.why : assert.fail(`${command.kind} was understood`);
};

describe('the words of the demo', () => {
  it('are a backup without any, and otherwise an action, as juju run reads it', () => {
    assert.deepEqual(read(), { kind: 'backup' });
    assert.deepEqual(read('list-backups', 'limit=3', 'format=json'), {
      ...{ kind: 'action', action: 'list-backups' },
      parameters: { limit: 3, format: 'json' },
    });
    // A time is not a number, whatever YAML makes of it.
    const id = '2026-11-21T20:15:00Z';
    assert.deepEqual(read('verify-backup', `backup-id=${id}`), {
      ...{ kind: 'action', action: 'verify-backup' },
      parameters: { 'backup-id': id },
    });
  });

  it('are help, status, config and the like', () => {
    for (const word of ['help', '--help', '-h']) assert.equal(read(word).kind, 'help');
    for (const kind of ['status', 'reset', 'schedule']) assert.deepEqual(read(kind), { kind });
    assert.deepEqual(read('config', 'transfers=4', 'schedule=0 2 * * *'), {
      kind: 'config',
      options: { transfers: 4, schedule: '0 2 * * *' },
    });
    assert.match(whyNot('status', 'x=1'), /takes no parameters/);
  });

  it('are answered with all actions when one is misspelt', () => {
    const why = whyNot('chek');
    for (const action of Object.keys(charm.actions)) assert.ok(why.includes(`  ${action}`), action);
    assert.match(why, /^There is no action "chek"/);
  });

  it('are answered with the parameter and what it may be when one is wrong', () => {
    assert.match(whyNot('list-backups', 'format=xml'), /\/format.*\n.*\n[^]*format +table \| json/);
    assert.match(whyNot('restore-control-plane'), /backup-id[^]*backup-id +string +required/);
    assert.match(whyNot('list-backups', 'json'), /"json" is not of the form key=value/);
    assert.match(whyNot('config', 'transfer=4'), /unknown option "transfer"[^]* transfers +int/);
  });

  it('may name a release of Juju', () => {
    assert.equal(readLine(undefined), undefined);
    assert.equal(readLine('4.1'), '4.1');
    assert.throws(() => readLine('5'), /BOX_JUJU=5 is not one of 3\.4, 3\.6, 4\.0, 4\.1/);
  });
});

describe('what the demo prints', () => {
  it('fits into 80 columns, and goes on below where it began', () => {
    const words = 'a line of words '.repeat(12).trimEnd();
    const table = `ckf-backup/0*  active  idle  ${words}`;
    for (const text of [words, `20:15:00 ${words}`, `  ok      ${words}`, table, helpText(charm)])
      for (const line of fit(text).split('\n')) assert.ok(line.length <= 80, line);
    assert.match(fit(`20:15:00 ${words}`), /\n {9}\S/);
    assert.match(fit(table), /\n {29}\S/);
    assert.equal(fit(words).replaceAll(/\n */g, ' '), words);
  });

  it('leaves a word whole that is longer, so that it can be copied', () => {
    const url = `https://s3.test/${'x'.repeat(90)}`;
    const lines = fit(`see ${url} for more`).split('\n');
    assert.ok(lines.some((line) => line.endsWith(url)));
  });
});
