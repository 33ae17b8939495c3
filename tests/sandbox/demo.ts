import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tableText } from '../../src/text.ts';
import { releaseOf } from '../servers/juju/release.ts';
import { readCharmFiles } from '../servers/unit-agent/charm.ts';
import { openBucket } from './box/bucket.ts';
import { type Box, startBox } from './box.ts';
import type { Options } from './box/configure.ts';
import { addVolumes } from './box/volumes.ts';
import { bucketTree } from './demo/bucket-tree.ts';
import { runChecks } from './demo/checks.ts';
import { type Command, readCommand, readLine } from './demo/command.ts';
import { fit } from './demo/fit.ts';
import { helpText } from './demo/help.ts';
import { proofsOf } from './demo/prove-set.ts';
import { runText } from './demo/show-run.ts';
import { statusTable } from './demo/status-table.ts';
import { showThreeNights } from './demo/three-nights.ts';

/*
 * `npm run demo`: the main job on the model in a box, as an operator sees it, and then the proof of
 * it. `npm run demo -- help` tells what else it does.
 */

const directory = join(import.meta.dirname, '../../.box');
const charm = readCharmFiles(join(import.meta.dirname, '../..'));

const print = (text = ''): void => {
  process.stdout.write(`${fit(text)}\n`);
};

const main = async (words: readonly string[]): Promise<boolean> => {
  const command = readCommand(words, charm);
  switch (command.kind) {
    case 'wrong':
      process.stderr.write(`${fit(command.why)}\n`);
      return false;
    case 'help':
      print(helpText(charm));
      return true;
    case 'reset':
      rmSync(directory, { recursive: true, force: true });
      print('The box is gone; the next command builds a new one.');
      return true;
    case 'schedule':
      return await Promise.race([whenStopped(), showThreeNights(print)]);
    default:
      return await inBox(command);
  }
};

type BoxCommand = Exclude<Command, { readonly kind: 'wrong' | 'help' | 'reset' | 'schedule' }>;

const inBox = async (command: BoxCommand): Promise<boolean> => {
  const stopped = whenStopped();
  const juju = readLine(process.env['BOX_JUJU']);
  print(
    existsSync(directory)
      ? 'Starting the model in a box again, from .box/'
      : 'Building a model in a box in .box/: Juju, Kubernetes, MinIO, S3, two databases, ML Metadata',
  );
  await using box = await startBox({
    directory,
    units: Number(process.env['BOX_UNITS'] ?? 1),
    ...(juju && { juju }),
    onCommand: (line) => {
      print(`$ ${line}`);
    },
    onLog: (line) => {
      print(`${new Date().toISOString().slice(11, 19)} ${line}`);
    },
  });
  const line = releaseOf(box.unit.agent.state.jujuVersion).line;
  if (juju !== undefined && juju !== line)
    throw new Error(
      `This box has Juju ${line}. For Juju ${juju} build another one: npm run demo -- reset`,
    );
  await using _volumes =
    command.kind === 'action' && command.action.includes('volume')
      ? await addVolumes(box, join(directory, 'volumes'))
      : undefined;
  return await Promise.race([stopped, show(box, command)]);
};

const show = async (box: Box, command: BoxCommand): Promise<boolean> => {
  switch (command.kind) {
    case 'backup':
      return showBackup(box);
    case 'status':
      showStatus(box);
      return true;
    case 'config':
      return showConfig(box, command.options);
    case 'action':
      return showAction(box, command);
  }
};

const showStatus = (box: Box): void => {
  print(`\n$ juju status\n${statusTable(box.model.state)}`);
};

const showConfig = async (box: Box, options: Options): Promise<boolean> => {
  const words = Object.entries(options).map(([name, value]) => `${name}=${String(value)}`);
  print(`\n$ juju config ckf-backup ${words.join(' ')}`.trimEnd());
  if (words.length > 0) {
    await box.configure(options);
    showStatus(box);
    return true;
  }
  const { config } = box.unit.agent.state;
  print(
    tableText(
      Object.entries(charm.options).map(([name, option]) => [
        name,
        String((config[name] ?? option.default ?? '') as string | number | boolean),
      ]),
    ),
  );
  return true;
};

const showAction = async (
  box: Box,
  { action, parameters }: Extract<Command, { kind: 'action' }>,
): Promise<boolean> => {
  const words = Object.entries(parameters).map(([name, value]) => `${name}=${String(value)}`);
  print(`\n$ juju run ckf-backup/0 ${[action, ...words].join(' ')} --wait=6h`);
  const run = await box.run(action, parameters);
  print(`\n${runText(run)}`);
  return run.status === 'completed';
};

const showBackup = async (box: Box): Promise<boolean> => {
  const scales = box.scales();
  showStatus(box);
  print('\n$ juju run ckf-backup/0 backup-control-plane --wait=6h');
  const run = await box.run('backup-control-plane', {});
  print(`\n${runText(run)}`);
  showStatus(box);
  if (run.status !== 'completed') return false;

  using target = openBucket(box.stores.backups);
  print(`\nWhat now lies in the bucket ${box.stores.backups.bucket}:\n`);
  for (const line of bucketTree(await target.list())) print(line);
  print('\nThe proof, from what lies there:\n');
  const id = run.results['backup-id'];
  return await runChecks(proofsOf(box, String(id), scales), print);
};

/** Rejects on Ctrl-C and the like, so that the box is taken down in an orderly way. */
const whenStopped = (): Promise<never> => {
  const { promise, reject } = Promise.withResolvers<never>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      reject(
        new Error(`stopped by ${signal}; what the action changed is put back by the next one`),
      );
    });
  promise.catch(() => undefined);
  return promise;
};

try {
  if (!(await main(process.argv.slice(2)))) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
