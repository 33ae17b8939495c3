import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { openBucket } from './box/bucket.ts';
import { type Box, startBox } from './box.ts';
import { addVolumes } from './box/volumes.ts';
import { bucketTree } from './demo/bucket-tree.ts';
import { runChecks } from './demo/checks.ts';
import { proofsOf } from './demo/prove-set.ts';
import { runText } from './demo/show-run.ts';
import { statusTable } from './demo/status-table.ts';
import { showThreeNights } from './demo/three-nights.ts';

/*
 * `npm run demo`: the main job on the model in a box, as an operator sees it, and then the proof of it.
 * `npm run demo -- schedule`: three nights of a schedule, in a minute. `npm run demo -- <action> [key=value…]`: any action on the same box.
 * `npm run demo -- reset`: forget the box.
 */

const directory = join(import.meta.dirname, '../../.box');

const print = (line = ''): void => {
  process.stdout.write(`${line}\n`);
};

const main = async (words: readonly string[]): Promise<boolean> => {
  if (words[0] === 'reset') {
    rmSync(directory, { recursive: true, force: true });
    print('The box is gone; the next command builds a new one.');
    return true;
  }
  const stopped = whenStopped();
  if (words[0] === 'schedule') return await Promise.race([stopped, showThreeNights(print)]);
  print(
    existsSync(directory)
      ? 'Starting the model in a box again, from .box/'
      : 'Building a model in a box in .box/: Juju, Kubernetes, MinIO, S3, two databases, ML Metadata',
  );
  await using box = await startBox({
    directory,
    onCommand: (command) => {
      print(`$ ${command}`);
    },
    onLog: (line) => {
      print(`${new Date().toISOString().slice(11, 19)} ${line}`);
    },
  });
  await using _volumes = words[0]?.includes('volume')
    ? await addVolumes(box, join(directory, 'volumes'))
    : undefined;
  return await Promise.race([
    stopped,
    words.length === 0 ? showBackup(box) : showAction(box, words),
  ]);
};

const showAction = async (
  box: Box,
  [action = '', ...rest]: readonly string[],
): Promise<boolean> => {
  const parameters = Object.fromEntries(
    rest.map((word) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
      if (key === undefined || value === undefined)
        throw new Error(`"${word}" is not of the form key=value`);
      // As juju run does, unless it is told --string-args.
      const parsed: unknown = parse(value);
      return [key, parsed];
    }),
  );
  print(`\n$ juju run ckf-backup/0 ${[action, ...rest].join(' ')} --wait=6h`);
  const run = await box.run(action, parameters);
  print(`\n${runText(run)}`);
  return run.status === 'completed';
};

const showBackup = async (box: Box): Promise<boolean> => {
  const scales = box.scales();
  print(`\n$ juju status\n${statusTable(box.model.state)}`);
  print('\n$ juju run ckf-backup/0 backup-control-plane --wait=6h');
  const run = await box.run('backup-control-plane', {});
  print(`\n${runText(run)}`);
  print(`\n$ juju status\n${statusTable(box.model.state)}`);
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
